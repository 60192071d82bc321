import { expect, test } from "vitest";
import { loopBandOf } from "./loop-band.ts";

test("appengines have bands of 64 loop devices among the 1,024, and none has the first", () => {
  const bases = new Set(Array.from({ length: 400 }, (_, index) => loopBandOf(`pvh-${index}`)));
  expect([...bases].toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 15 }, (_, index) => 64 * (index + 1)),
  );
});
