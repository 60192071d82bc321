import { expect, test } from "vitest";
import { firstDivergence } from "./divergence.ts";
import type { RecordedEvent, RunEvent } from "./events.ts";
import { end, HOSTILE, record, start } from "./testdata/sample-run.ts";
import { transcriptKey, transcriptsOf } from "./transcript.ts";
import type { Transcript } from "./transcript.ts";

const of = { scenario: "s", appengine: "pvh-1" };
const began: RunEvent = { type: "check.started", scenario: "s", check: "c" };
const scenario = start("s", "unix", [["c", "t"]]);
const call = (method: string, path: string, status?: number, error?: string): RunEvent => ({
  type: "control",
  ...of,
  method,
  path,
  ms: 1,
  ...(status !== undefined && { status }),
  ...(error !== undefined && { error }),
});
const step = (text: string, status?: number): RunEvent => ({
  type: "step",
  ...of,
  text,
  ms: 1,
  ...(status !== undefined && { status }),
});
const log = (source: string, ...lines: string[]): RunEvent => ({
  type: "log",
  ...of,
  source,
  lines,
});
const passed = end("s", "c", "passed", {});

function transcript(events: readonly RecordedEvent[]): Transcript | undefined {
  return transcriptsOf(events).get(transcriptKey("s", "c"));
}

test("a transcript has requests and commands of the check's time, a poll once until something acts", () => {
  const events = record([
    scenario,
    call("GET", "/before", 200),
    began,
    call("GET", "/containers", 200),
    call("GET", "/graph", 200),
    call("GET", "/containers", 200),
    step("kill -9 71", 0),
    call("GET", "/containers", undefined, "no answer in time"),
    call("PUT", "/containers/a", 200),
    call("GET", "/containers", 200),
    step("sleep 9"),
    step("sleep 9"),
    passed,
    call("GET", "/after", 200),
  ]);
  expect(transcript(events)?.entries).toEqual([
    "GET /containers: 200",
    "GET /graph: 200",
    "kill -9 71: exit 0",
    "GET /containers: no answer in time",
    "PUT /containers/a: 200",
    "GET /containers: 200",
    "sleep 9: did not end",
  ]);
});

test("a command that ends after the verdict is none of the check's, though it is told before", () => {
  const events = record([scenario, began, step("look for leaks", 0), passed]);
  const told = events.map((event) =>
    event.type === "check.finished" ? { ...event, t: event.t - 150 } : event,
  );
  expect(transcript(told)?.entries).toEqual([]);
});

test("the log is the last lines that are not noise", () => {
  const lines = Array.from({ length: 40 }, (_, index) => `[pantavisor] ${index} INFO\t -- line`);
  const events = record([
    scenario,
    began,
    log("0/pantavisor/pantavisor.log", ...lines, "[pantavisor] 99 DEBUG\t -- [ctrl]: New request"),
    log("0/a/lxc/lxc.log", "init a 2026 NOTICE   start - ../src/lxc/start.c:start:2194 - Exec'ing"),
    passed,
  ]);
  const found = transcript(events)?.log ?? [];
  expect(found).toHaveLength(12);
  expect(found.at(-1)).toBe("0/pantavisor/pantavisor.log: [pantavisor] 39 INFO -- line");
});

test("the transcript of a check that never began is that of the boot; a later attempt replaces it", () => {
  const failed = end("s", "c", "failed", {});
  const first = [scenario, call("GET", "/buildinfo", undefined, "refused"), failed];
  expect(transcript(record(first))?.entries).toEqual(["GET /buildinfo: refused"]);
  const retried = record([...first, { ...scenario, attempt: 2 }, began, passed]);
  expect(transcript(retried)?.entries).toEqual([]);
});

test("nothing of a container acts in a transcript", () => {
  const events = record([
    scenario,
    began,
    step(HOSTILE, 0),
    call("GET", `/${HOSTILE}`, 200),
    log("0/evil", HOSTILE),
    passed,
  ]);
  const { entries = [], log: lines = [] } = transcript(events) ?? {};
  expect([...entries, ...lines]).toHaveLength(3);
  for (const line of [...entries, ...lines]) {
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  }
});

const told = (entries: readonly string[], verdict = "passed") => ({
  transcript: { entries, log: [] },
  end: verdict,
});

test("sides part at the first reply that differs, with what was alike before and what came after", () => {
  const mine = told(["a: 200", "b: 200", "c: 200", "d: 200", "PUT /x: 200"], "failed: no 404");
  const theirs = told(["a: 200", "b: 200", "c: 200", "d: 200", "PUT /x: 404", "GET /y: 200"]);
  expect(firstDivergence(mine, theirs)).toEqual({
    alike: 4,
    before: ["b: 200", "c: 200", "d: 200"],
    image: { next: ["PUT /x: 200", "failed: no 404"], log: [] },
    against: { next: ["PUT /x: 404", "GET /y: 200", "passed"], log: [] },
  });
});

test("pids and random names are no difference; where all is alike, the verdicts are the one", () => {
  const mine = told(["kill -9 1918: exit 0", "cat /run/0f3a9c: exit 1"], "failed: it is empty");
  const theirs = told(["kill -9 71: exit 0", "cat /run/77be01: exit 1"]);
  expect(firstDivergence(mine, theirs)).toMatchObject({
    alike: 2,
    image: { next: ["failed: it is empty"] },
    against: { next: ["passed"] },
  });
  expect(firstDivergence(mine, mine)).toBeUndefined();
});

test("a side without a transcript parts from the other at once", () => {
  const never = { transcript: undefined, end: "failed: it never booted" };
  expect(firstDivergence(never, told(["a: 200"]))).toMatchObject({
    alike: 0,
    before: [],
    image: { next: ["failed: it never booted"] },
    against: { next: ["a: 200", "passed"] },
  });
});
