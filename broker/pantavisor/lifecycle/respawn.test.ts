import { expect, it } from "vitest";
import { respawnAfter } from "./respawn.ts";

it("repairs the first crash at once and slows down a daemon that keeps crashing", () => {
  let crashes = 0;
  const delays = Array.from({ length: 5 }, () => {
    const next = respawnAfter(crashes, 100);
    crashes = next.crashes;
    return next.delay;
  });
  expect(delays).toEqual([0, 1000, 2000, 5000, 5000]);
});

it("forgives after a long run", () => {
  expect(respawnAfter(4, 60_000)).toEqual({ crashes: 1, delay: 0 });
});
