import { expect, test } from "vitest";
import { ownerLabels } from "../engine/labels.ts";
import { fakeEngine } from "../engine/testdata/fake-engine.ts";
import type { RunEvent } from "../../reports/events.ts";
import { foldRun } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import { appenginesInUse, removeRun } from "./remove-run.ts";

const folded = (events: readonly RunEvent[]): RunState =>
  foldRun(events.map((event) => ({ v: 1, t: 0, ...event })));
const started = (scenario: string): RunEvent => ({
  type: "scenario.started",
  scenario,
  suite: "s",
  summary: "s",
  checks: [],
  file: "f",
  attempt: 1,
});
const stage = (scenario: string, appengine: string): RunEvent => ({
  type: "stage.finished",
  scenario,
  appengine,
  stage: "engine",
  ms: 1,
  ok: true,
});
const finished = (scenario: string, verdict: "passed" | "skipped"): RunEvent => ({
  type: "scenario.finished",
  scenario,
  verdict,
  ms: 1,
});
const STATE = folded([
  started("done"),
  stage("done", "pvh-done"),
  finished("done", "passed"),
  started("cut"),
  stage("cut", "pvh-cut-1"),
  stage("cut", "pvh-cut-2"),
  finished("cut", "skipped"),
  started("going"),
  stage("going", "pvh-going"),
]);

test("appengines of scenarios that were cut are in use until somebody removes them", () => {
  expect(appenginesInUse(STATE)).toEqual(["pvh-cut-1", "pvh-cut-2", "pvh-going"]);
});

test("an engine that does not answer leaves what the record knows by name, in time", async () => {
  await using fake = await fakeEngine(() => new Promise(() => undefined));
  const left = await removeRun(fake.engine, "r", STATE, AbortSignal.timeout(100));
  expect(left).toMatch(
    /^left on the engine: whatever has the label pvh\.run=r, among it pvh-cut-1, pvh-cut-2, pvh-going \(.*\); the next pvh removes it$/,
  );
});

test("what the engine refuses to remove is named, and nothing is said when all is gone", async () => {
  let refuse = true;
  await using fake = await fakeEngine((method, path) => {
    if (method === "DELETE") {
      return refuse
        ? { status: 500, body: { message: "device or resource busy" } }
        : { status: 204 };
    }
    const labels = ownerLabels({ run: "r" });
    return path === "/containers/json"
      ? { body: [{ Id: "1", Names: ["/pvh-1"], Labels: labels, State: "running", Mounts: [] }] }
      : { body: { Volumes: [] } };
  });
  expect(await removeRun(fake.engine, "r", STATE)).toBe(
    "left on the engine: container pvh-1 (device or resource busy); the next pvh removes it",
  );
  refuse = false;
  expect(await removeRun(fake.engine, "r", STATE)).toBeUndefined();
});
