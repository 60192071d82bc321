import { expect, test } from "vitest";
import type { RunEvent } from "./events.ts";
import { busyLine, liveTable } from "./live-table.ts";
import { foldRun } from "./run-state.ts";
import { end, record, SAMPLE, start } from "./testdata/sample-run.ts";

const [started] = SAMPLE;
const EVENTS: readonly RunEvent[] = [
  ...(started === undefined ? [] : [started]),
  start("dbus-roles", "dbus", [["dbus.a", "t"]]),
  { type: "check.started", scenario: "dbus-roles", check: "dbus.a" },
  start("flaky", "unix", [["unix.a", "t"]]),
  end("flaky", "unix.a", "passed", {}),
  { type: "scenario.finished", scenario: "flaky", verdict: "passed", ms: 900 },
  start("booted", "unix", [["unix.b", "t"]]),
];
const recorded = record(EVENTS);
const state = foldRun(recorded);
const now = (recorded.at(-1)?.t ?? 0) + 4_000;

test("the table has progress, an estimate, and a row for each scenario that runs", () => {
  const durations = new Map([
    ["dbus-roles", 10_000],
    ["booted", 6_000],
    ["later", 20_000],
  ]);
  expect(liveTable(state, now, 80, { durations, jobs: 2 })).toEqual([
    "[1/4] 1 passed, 0 failed, about 14 s left",
    " dbus-roles  dbus.a  (5 s)",
    " booted      boot begins  (4 s)",
  ]);
});

test("it gives no estimate of what it has never seen, and is empty when nothing runs", () => {
  const [first] = liveTable(state, now, 80, { durations: new Map([["later", 5]]), jobs: 1 });
  expect(first).toBe("[1/4] 1 passed, 0 failed");
  expect(liveTable(foldRun([]), now, 80)).toEqual([]);
});

test("no line wraps, and a long table ends with the number of the rest", () => {
  const many = Array.from({ length: 40 }, (_, index) =>
    start(`scenario-with-a-long-name-${index}`, "unix", [["c", "t"]]),
  );
  const lines = liveTable(foldRun(record(many)), now, 30);
  expect(lines).toHaveLength(11);
  expect(lines.at(-1)).toBe(" and 31 more");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(30);
});

test("a heartbeat names what runs in one line", () => {
  expect(busyLine(state, now)).toBe("dbus-roles: dbus.a (5 s); booted: boot begins (4 s)");
});
