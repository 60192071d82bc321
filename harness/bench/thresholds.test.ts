import { describe, expect, test } from "vitest";
import { FIGURES, foldSamples, medianOf } from "./figures.ts";
import type { Suite } from "./figures.ts";
import { printBench } from "./print-bench.ts";
import type { Row } from "./run-bench.ts";
import { THRESHOLDS, judgeRows } from "./thresholds.ts";

const row = (suite: Suite, relay: string, values: Record<string, number>): Row => ({
  suite,
  relay,
  values,
  samples: [],
});

const verdictOf = (rows: Row[], figure: string, of?: string) =>
  judgeRows(rows).find(({ threshold }) => threshold.figure === figure && threshold.of === of)
    ?.verdict;

test("every threshold is on a figure that is measured", () => {
  for (const { suite, figure } of THRESHOLDS) {
    expect(FIGURES.some((one) => one.suite === suite && one.name === figure)).toBe(true);
  }
});

test("more is better: nine tenths of the share of direct is enough, less is not", () => {
  const direct = row("unix", "direct", { throughput: 10 });
  const broker = (throughput: number) => row("unix", "broker", { throughput });
  expect(verdictOf([direct, broker(4.96)], "throughput", "direct")).toBe("met");
  expect(verdictOf([direct, broker(4.94)], "throughput", "direct")).toBe("missed");
});

test("less is better: the limit is a tenth above the multiple of direct", () => {
  const direct = row("unix", "direct", { p50: 9 });
  expect(verdictOf([direct, row("unix", "broker", { p50: 29.9 })], "p50", "direct")).toBe("met");
  expect(verdictOf([direct, row("unix", "broker", { p50: 30.1 })], "p50", "direct")).toBe("missed");
});

test("a single violation in any round is too many", () => {
  const violations = FIGURES.find(({ name }) => name === "violations");
  if (violations === undefined) throw new Error("no such figure");
  const zero = { violations: 0 };
  const value = foldSamples(violations, [zero, zero, { violations: 1 }, zero, zero]) ?? 0;
  expect(verdictOf([row("rest", "broker", { violations: value })], "violations")).toBe("missed");
  expect(verdictOf([row("rest", "broker", { violations: 0 })], "violations")).toBe("met");
});

test("what an absent anchor would say is not measured", () => {
  const rows = [row("dbus", "direct", { roundTrips: 9 }), row("dbus", "broker", { roundTrips: 9 })];
  expect(verdictOf(rows, "roundTrips", "xdg-dbus-proxy")).toBe("not measured");
});

describe("the median", () => {
  test.each([
    [[], undefined],
    [[7], 7],
    [[9, 1, 2], 2],
    [[4, 1, 2, 9], 3],
  ])("of %j is %s", (values, median) => expect(medianOf(values)).toBe(median));
});

test("the table has ratios to direct, and a dash for what a relay has not", () => {
  const text = printBench({
    rows: [
      row("unix", "direct", { throughput: 4, p50: 10 }),
      row("unix", "broker", { throughput: 3, p50: 25, cpu: 0.1 }),
    ],
    notInstalled: ["socat"],
  });
  expect(text.split("\n").map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
    ["unix", "GB/s", "p50 µs"],
    ["direct", "4 (1.00)", "10 (1.00)"],
    ["broker", "3 (0.75)", "25 (2.50)"],
    [""],
    ["not installed: socat"],
  ]);
});
