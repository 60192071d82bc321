import { expect, test } from "vitest";
import type { Appengine } from "../appengine/appengine.ts";
import { LOG_ROOT } from "../appengine/layout.ts";
import type { Testimony } from "./testimony.ts";
import { TimelineRecorder } from "./timeline-recorder.ts";

const LOG = "0/pantavisor/pantavisor.log";

/** An appengine whose one log is this text, and which takes no other command. */
function appengine(text: () => string) {
  const fake = {
    name: "pvh-1",
    control: { onCall: undefined },
    onCommand: undefined,
    sh: (script: string) => {
      const log = text();
      const [, from] = /tail -c \+(\d+)/.exec(script) ?? [];
      const stdout = from === undefined ? `${log.length} ./${LOG}\n` : log.slice(Number(from) - 1);
      if (!script.includes(LOG_ROOT)) throw new Error(`unexpected: ${script}`);
      return Promise.resolve({ exitCode: 0, stdout, stderr: "" });
    },
  };
  return fake as unknown as Appengine;
}

const line = (module: string, message: string): string =>
  `[pantavisor] 1 INFO\t -- [${module}]: ${message}\n`;

test("logs, changes, requests, graphs and commands are told, each once", async () => {
  let log = line("platforms", "platform 'app' status is now STARTED");
  const told: Testimony[] = [];
  const engine = appengine(() => log);
  const recorder = new TimelineRecorder(engine, "s", (testimony) => told.push(testimony));
  await recorder.look();
  log += line("pv-xconnect-out", "Link established: app/bus");
  const graph = { method: "GET", path: "/xconnect-graph", ms: 1, status: 200 };
  const body = JSON.stringify([{ consumer: "a", provider: "b", name: "bus", type: "dbus" }]);
  engine.control.onCall?.({ ...graph, body });
  engine.control.onCall?.({ ...graph, body });
  engine.onCommand?.({ text: "  ls\n  /", ms: 2, status: 0 });
  await recorder.end();
  expect(engine.control.onCall).toBeUndefined();
  expect(told).toMatchObject([
    { type: "log", scenario: "s", appengine: "pvh-1", source: LOG },
    { type: "container.changed", what: "container", name: "app", status: "STARTED" },
    { type: "control", path: "/xconnect-graph", status: 200 },
    { type: "graph", links: [{ consumer: "a", provider: "b", service: "bus", kind: "dbus" }] },
    { type: "control", path: "/xconnect-graph" },
    { type: "step", text: "ls /", ms: 2, status: 0 },
    { type: "log", lines: [expect.stringContaining("Link established") as string] },
    { type: "link.changed", consumer: "app", service: "bus", state: "established" },
  ]);
});

test("a flood is told up to a limit, and the number of what is left out", async () => {
  const told: Testimony[] = [];
  const lines = Array.from({ length: 800 }, (_, index) => line("x", `line ${index}`));
  let log = "";
  const engine = appengine(() => log);
  const recorder = new TimelineRecorder(engine, "s", (testimony) => told.push(testimony));
  for (let look = 0; look < 5; look += 1) {
    log += lines.join("");
    await recorder.look();
  }
  await recorder.end();
  const logs = told.filter((testimony) => testimony.type === "log");
  expect(logs.reduce((sum, one) => sum + one.lines.length, 0)).toBe(3_000);
  expect(logs.at(-1)).toMatchObject({ lines: [], more: 1_000 });
});

test("an appengine that answers no more ends the timeline, and nothing else", async () => {
  const told: Testimony[] = [];
  const engine = appengine(() => {
    throw new Error("gone");
  });
  const recorder = new TimelineRecorder(engine, "s", (testimony) => told.push(testimony));
  await recorder.look();
  await recorder.end();
  expect(told).toEqual([]);
});
