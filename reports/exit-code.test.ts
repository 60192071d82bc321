import { expect, test } from "vitest";
import type { Failure, RunEvent } from "./events.ts";
import { exitCodeOf, exitReason } from "./exit-code.ts";
import { ENDING_SIGNALS, SIGNAL_EXIT } from "./exit-codes.ts";
import { emptyRun, foldRun } from "./run-state.ts";
import { end, record, start } from "./testdata/sample-run.ts";

type Outcome = "pass" | "skip" | [Failure["class"], Failure["code"]];

/** A run of one scenario with these checks. */
function codeOf(...outcomes: Outcome[]): number {
  const checks = outcomes.map((outcome, index): RunEvent => {
    if (outcome === "pass") return end("s", `c${index}`, "passed", {});
    if (outcome === "skip") return end("s", `c${index}`, "skipped", { reason: "r" });
    const [fault, code] = outcome;
    return end("s", `c${index}`, "failed", { failure: { class: fault, code, message: "m" } });
  });
  const ids = outcomes.map((_outcome, index) => [`c${index}`, "title"] as const);
  return exitCodeOf(foldRun(record([start("s", "unix", ids), ...checks])));
}

const assertion: Outcome = ["product", "PVH_ASSERT"];
const neverReady: Outcome = ["product", "PVH_NEVER_READY"];
const engine: Outcome = ["infra", "PVH_ENGINE"];
const late: Outcome = ["scenario", "PVH_DEADLINE"];
const mistake: Outcome = ["scenario", "PVH_SCENARIO"];
const bug: Outcome = ["harness", "PVH_INTERNAL"];

test.each([
  ["all passed", 0, ["pass", "pass"]],
  ["some skipped", 0, ["pass", "skip"]],
  ["all skipped", 4, ["skip", "skip"]],
  ["an assertion failed", 1, ["pass", assertion]],
  ["never READY", 6, [neverReady]],
  ["infrastructure failed", 3, ["pass", engine]],
  ["a bad export", 2, [["usage", "PVH_BAD_EXPORT"]]],
  ["a bug of pvh", 70, ["pass", bug]],
  ["a product failure beside an infrastructure failure", 1, [engine, assertion]],
  ["a product failure beside a boot that failed", 1, [neverReady, assertion]],
  ["a boot that failed beside an infrastructure failure", 6, [engine, neverReady]],
  ["a bug beside a product failure", 70, [assertion, bug]],
  ["a mistake in a scenario", 1, [mistake]],
  ["a check that was stopped from outside", 124, [late, "pass"]],
  ["a check that was stopped beside a product failure", 1, [late, assertion]],
  ["a check that was stopped beside a boot that failed", 6, [late, neverReady]],
  ["a check that was stopped beside an infrastructure failure", 124, [late, engine]],
] as [string, number, Outcome[]][])("%s: exit %i", (_name, code, outcomes) => {
  expect(codeOf(...outcomes)).toBe(code);
});

test("nothing selected: exit 4", () => {
  expect(exitCodeOf(emptyRun())).toBe(4);
});

test("a signal decides, whatever else happened", () => {
  expect(exitCodeOf(emptyRun(), "SIGINT")).toBe(130);
  expect(exitCodeOf(emptyRun(), "SIGTERM")).toBe(143);
  expect(exitCodeOf(emptyRun(), "SIGHUP")).toBe(129);
});

test.each(ENDING_SIGNALS)("the reason of a run that %s has ended names the signal", (signal) => {
  const finished: RunEvent = { type: "run.finished", ms: 1, exitCode: SIGNAL_EXIT[signal] };
  expect(exitReason(foldRun(record([finished])))).toBe(`cancelled by ${signal}`);
});

test("a pass after a failed attempt is flaky: exit 5, never 0", () => {
  const attempt = (verdict: "passed" | "failed", number: number): RunEvent[] => [
    { ...start("s", "unix", [["c", "t"]]), attempt: number },
    end("s", "c", verdict, {
      ...(verdict === "failed" && {
        failure: { class: "product", code: "PVH_ASSERT", message: "m" } as const,
      }),
    }),
    { type: "scenario.finished", scenario: "s", verdict, ms: 1 },
  ];
  expect(exitCodeOf(foldRun(record([...attempt("failed", 1), ...attempt("passed", 2)])))).toBe(5);
  expect(exitCodeOf(foldRun(record([...attempt("failed", 1), ...attempt("failed", 2)])))).toBe(1);
});

test("a failure outside the checks counts", () => {
  const failure: Failure = { class: "infra", code: "PVH_ENGINE", message: "m" };
  const events: RunEvent[] = [
    start("s", "unix", []),
    { type: "scenario.finished", scenario: "s", verdict: "failed", ms: 1, failure },
  ];
  expect(exitCodeOf(foldRun(record(events)))).toBe(3);
});

test("a deadline of the run is its exit code, unless something says more of the product", () => {
  expect(exitCodeOf(emptyRun(), "deadline")).toBe(124);
  const failed = end("s", "c", "failed", {
    failure: { class: "product", code: "PVH_ASSERT", message: "m" },
  });
  const state = foldRun(record([start("s", "unix", [["c", "t"]]), failed]));
  expect(exitCodeOf(state, "deadline")).toBe(1);
});

test("a failure outside of the checks counts, of a scenario and of the run", () => {
  const failure = { class: "scenario", code: "PVH_SCENARIO", message: "m" } as const;
  const passed = [start("s", "unix", [["c", "t"]]), end("s", "c", "passed", {})];
  for (const owner of [{ scenario: "s" }, {}]) {
    const outside: RunEvent = { type: "failure", ...owner, where: "stray error", failure };
    expect(exitCodeOf(foldRun(record([...passed, outside])))).toBe(1);
  }
});
