import { expect, test } from "vitest";
import type { RunEvent } from "./events.ts";
import { emptyRun, foldRun } from "./run-state.ts";
import { end, record, start } from "./testdata/sample-run.ts";
import { stageLine, timeLine, timingsOf, timingsTable } from "./timings.ts";

const stage = (name: "container" | "ready", ms: number, appengine = "a"): RunEvent => ({
  type: "stage.finished",
  scenario: "long",
  appengine,
  stage: name,
  ms,
  ok: true,
});

const state = foldRun(
  record([
    { type: "run.prepared", ms: 300, image: "x" },
    start("short", "unix", [["u", "t"]]),
    { type: "scenario.finished", scenario: "short", verdict: "skipped", ms: 500 },
    start("long", "unix", [
      ["a", "t"],
      ["b", "t"],
    ]),
    stage("container", 1_000),
    stage("ready", 2_000),
    { type: "check.started", scenario: "long", check: "a" },
    stage("container", 400, "b"),
    end("long", "a", "passed", { ms: 4_000 }),
    end("long", "b", "passed", { ms: 500 }),
    {
      type: "scenario.finished",
      scenario: "long",
      verdict: "passed",
      ms: 9_000,
      evidenceMs: 100,
      removalMs: 700,
    },
    start("unfinished", "unix", [["u", "t"]]),
  ]),
);

test("a scenario's time is told by what it was spent on, the longest first", () => {
  expect(timingsOf(state)).toEqual([
    { name: "long", ms: 9_000, boot: 3_000, checks: 4_500, evidence: 100, removal: 700 },
    { name: "short", ms: 500, boot: 0, checks: 0, evidence: 0, removal: 0 },
  ]);
});

test("the table is in seconds", () => {
  expect(timingsTable(state).split("\n")).toEqual([
    "SCENARIO  SECONDS  BOOT  CHECKS  EVIDENCE  REMOVAL",
    "long      9.0      3.0   4.5     0.1       0.7",
    "short     0.5      0.0   0.0     0.0       0.0",
  ]);
});

test("a run's time is told in one line, its boots by stage in another", () => {
  expect(timeLine(state)).toBe(
    "set-up 0.3 s; all scenarios together: boot 3.0 s, checks 4.5 s, evidence 0.1 s, removal 0.7 s",
  );
  expect(stageLine(state)).toBe("container 1.4 s, ready 2.0 s");
});

test("a run without scenarios has no times", () => {
  expect(timeLine(emptyRun())).toBeUndefined();
  expect(stageLine(emptyRun())).toBeUndefined();
});
