import { expect, test } from "vitest";
import { targetPace } from "./target-pace.ts";

test.each([
  [1_200, true, 1],
  [2_500, true, 1],
  [6_000, true, 2.4],
  [1_200, false, 3],
  [13_100, false, 5.2],
  [90_000, false, 8],
])("a boot of %i ms, of the reference: %s, makes waits %d times as long", (ms, reference, pace) => {
  expect(targetPace(ms, reference)).toBe(pace);
});
