import { expect, test } from "vitest";
import { fakeEngine } from "../engine/testdata/fake-engine.ts";
import type { Answer, Answers } from "../engine/testdata/fake-engine.ts";
import { whyLost } from "./why-lost.ts";

const ID = "c0ffee";
const started = { Action: "start", Actor: { ID } };

interface Facts {
  readonly state: Readonly<Record<string, unknown>>;
  readonly events?: readonly unknown[];
  readonly memory?: number;
  readonly volume?: Answer;
}

function engineOf({
  state,
  events = [started],
  memory = 0,
  volume = { body: {} },
}: Facts): Answers {
  return (_method, path) => {
    if (path === "/info") return { body: { SystemTime: "2026-01-01T00:00:00.5Z" } };
    if (path === "/volumes/a-storage") return volume;
    if (path === "/events") return { lines: events };
    return {
      body: {
        State: state,
        HostConfig: { Memory: memory },
        Mounts: [{ Type: "volume", Name: "a-storage" }],
      },
    };
  };
}

async function lostOn(answers: Answers): Promise<unknown> {
  await using fake = await fakeEngine(answers);
  const why = await whyLost(fake.engine, ID, "a");
  return why && [why.code, why.class, why.message];
}

const running = { Status: "running", Running: true, Paused: false };
const exited = { Status: "exited", Running: false, OOMKilled: false };

test("an appengine that runs, or has ended by itself, is not lost", async () => {
  expect(await lostOn(engineOf({ state: running }))).toBeUndefined();
  expect(await lostOn(engineOf({ state: exited }))).toBeUndefined();
});

const kill = { Action: "kill", Actor: { ID, Attributes: { signal: "9" } } };
const lost = (message: string) => ["PVH_APPENGINE_LOST", "infra", message];

test.each<[string, Answers, unknown]>([
  [
    "removed",
    () => ({ status: 404, body: {} }),
    lost("the appengine a was removed by somebody else"),
  ],
  [
    "just being removed",
    engineOf({ state: { ...exited, Status: "removing" } }),
    lost("the appengine a was removed by somebody else"),
  ],
  [
    "paused",
    engineOf({ state: { ...running, Paused: true } }),
    lost("the appengine a was paused by somebody else"),
  ],
  [
    "without its volume",
    engineOf({ state: running, volume: { status: 404, body: {} } }),
    lost("the volume a-storage of the appengine a was removed by somebody else"),
  ],
  [
    "killed",
    engineOf({ state: exited, events: [started, kill] }),
    lost("the appengine a was stopped by somebody else (signal 9)"),
  ],
  [
    "stopped with its engine",
    engineOf({ state: exited, events: [{ Action: "create", Actor: { ID: "other" } }] }),
    lost("the engine was restarted, and stopped the appengine a"),
  ],
  [
    "ended by the OOM killer",
    engineOf({ state: { ...exited, OOMKilled: true }, memory: 512 * 2 ** 20 }),
    [
      "PVH_OUT_OF_MEMORY",
      "infra",
      "the appengine a was ended by the OOM killer: its limit of 512 MiB memory was used up",
    ],
  ],
])("an appengine that was %s says so", async (_what, answers, expected) => {
  expect(await lostOn(answers)).toEqual(expected);
});

test("an engine that has forgotten old events has not been restarted", async () => {
  const others = Array.from({ length: 256 }, () => ({ Action: "exec_start", Actor: { ID } }));
  expect(await lostOn(engineOf({ state: exited, events: others }))).toBeUndefined();
});

test("the kill of another container is not this one's", async () => {
  const other = { ...kill, Actor: { ...kill.Actor, ID: "other" } };
  expect(await lostOn(engineOf({ state: exited, events: [started, other] }))).toBeUndefined();
});
