import { expect, test } from "vitest";
import type { RunEvent } from "./events.ts";
import { perfettoTrace } from "./perfetto.ts";
import { end, HOSTILE, record, start } from "./testdata/sample-run.ts";

interface Traced {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: { readonly name?: string };
}

const of = { scenario: "s", appengine: "a" };
const EVENTS: readonly RunEvent[] = [
  start("s", "unix", [["unix.a", "t"]]),
  { type: "container.changed", ...of, what: "container", name: "c", status: "STARTING" },
  { type: "container.changed", ...of, what: "container", name: "c", status: "STARTED" },
  { type: "link.changed", ...of, consumer: "c", service: "probe", state: "established" },
  { type: "control", ...of, method: "GET", path: "/containers", ms: 5, status: 200 },
  { type: "log", ...of, source: "0/c/lxc/console.log", lines: ["one", HOSTILE] },
  end("s", "unix.a", "passed", { ms: 100 }),
  { type: "scenario.finished", scenario: "s", verdict: "passed", ms: 700 },
];

test("each thing has a row, and a state lasts until the next", () => {
  const { traceEvents } = JSON.parse(perfettoTrace(record(EVENTS))) as {
    traceEvents: readonly Traced[];
  };
  const rowOf = ({ pid, tid }: Traced): string | undefined =>
    traceEvents.find((one) => one.name === "thread_name" && one.pid === pid && one.tid === tid)
      ?.args?.name;
  const told = traceEvents
    .filter(({ ph }) => ph !== "M")
    .map((one) => [rowOf(one), one.name, one.ts, one.dur]);
  expect(told).toContainEqual(["container c", "STARTING", 100_000, 100_000]);
  expect(told).toContainEqual(["container c", "STARTED", 200_000, 500_000]);
  expect(told).toContainEqual(["link c/probe", "established", 300_000, 400_000]);
  expect(told).toContainEqual(["pv-ctrl", "GET /containers", 395_000, 5_000]);
  expect(told).toContainEqual(["checks", "unix.a", 500_000, 100_000]);
  expect(told).toContainEqual(["0/c/lxc/console.log", "one", 500_000, undefined]);
});

test("nothing of a container acts in the trace", () => {
  expect(perfettoTrace(record(EVENTS))).not.toMatch(/\\u001b|\\u009b|[\u202a-\u202e]/);
});
