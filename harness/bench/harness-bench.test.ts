import { expect, test } from "vitest";
import { busySeconds, fold, isMissed } from "./harness-bench.ts";

test("a figure is the ratio of two medians", () => {
  const { yardstick, figures } = fold([1, 0.5, 9], new Map([["pvh ls", [0.2, 0.3, 8]]]));
  expect(yardstick).toBe(1);
  expect(figures).toEqual([{ name: "pvh ls", seconds: 0.3, ratio: 0.3, limit: 0.35 }]);
});

test.each([
  [1, false],
  [1.09, false],
  [1.11, true],
  [Number.NaN, true],
])("of a limit of 1, a ratio of %d is missed: %s", (ratio, missed) => {
  expect(isMissed({ name: "", seconds: 1, ratio, limit: 1 })).toBe(missed);
});

test("time in which the machine waits is no CPU time", () => {
  const stat = "cpu  100 200 300 99999 88888 40 60 7 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
  expect(busySeconds(stat)).toBe(7);
  expect(busySeconds("nothing of the kind")).toBe(0);
});
