import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RecordedTestimony } from "./testimony.ts";
import { PATIENCE, WorkerWatch } from "./worker-watch.ts";

const numRuns = Number(process.env["PVH_PROPERTY_RUNS"] ?? 10_000);
const LOOK = 100;
const of = { v: 2, t: 0, n: 1, scenario: "s" } as const;
const begins: RecordedTestimony = {
  ...of,
  type: "scenario.started",
  suite: "u",
  summary: "",
  checks: [],
  file: "f",
  attempt: 1,
};
const checks: RecordedTestimony = { ...of, type: "check.started", check: "c", deadline: 1_000 };
const checked: RecordedTestimony = {
  ...of,
  type: "check.finished",
  check: "c",
  title: "t",
  verdict: "passed",
  ms: 1,
};
const ends: RecordedTestimony = { ...of, type: "scenario.finished", verdict: "passed", ms: 1 };

/** Milliseconds of silence after which it is ended. */
function endsAfter(said: readonly RecordedTestimony[], limit = 2_000_000): number | undefined {
  const watch = new WorkerWatch(PATIENCE);
  for (const testimony of said) watch.hear(testimony);
  for (let ms = LOOK; ms <= limit; ms += LOOK) {
    if (watch.passed(LOOK) !== undefined) return ms;
  }
  return undefined;
}

describe("a process that is silent is ended", () => {
  test.each([
    ["while its file is loaded", [], 120_000],
    ["in its set-up", [begins], 30_000],
    ["in a check, past its deadline", [begins, checks], 6_000],
    ["after a check", [begins, checks, checked], 30_000],
    ["after its scenario", [begins, checks, checked, ends], 30_000],
  ])("%s", (_when, said, after) => {
    expect(endsAfter(said)).toBe(after + LOOK);
  });
});

test("a check that yields is left to its own deadline", () => {
  const watch = new WorkerWatch(PATIENCE);
  watch.hear(begins);
  watch.hear(checks);
  for (let ms = 0; ms < 60_000; ms += LOOK) {
    watch.alive();
    expect(watch.passed(LOOK)).toBeUndefined();
  }
});

test(
  "a clock that jumps, stands still or goes back ends no check before it was given its time",
  { timeout: 240_000 },
  () => {
    const steps = fc.oneof(
      fc.nat(300),
      fc.constantFrom(0, -5_000, 3_600_000, Number.MAX_SAFE_INTEGER),
    );
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60 }), (passed) => {
        const watch = new WorkerWatch(PATIENCE);
        watch.hear(begins);
        watch.hear(checks);
        let given = 0;
        for (const ms of passed) {
          given += Math.min(Math.max(0, ms), 1_000);
          const isOver = watch.passed(ms) !== undefined;
          expect(isOver).toBe(given > 1_000 + PATIENCE.grace);
          if (isOver) return;
        }
      }),
      { numRuns },
    );
  },
);
