import { expect, test } from "vitest";
import type { ContainerBody } from "../../broker/shared/formats/control.ts";
import { PvhError } from "../errors.ts";
import { toFailure } from "../failure.ts";
import { bootCulprits } from "./boot-culprits.ts";
import { explainNeverReady } from "./why-never-ready.ts";
import type { ControlClient } from "../control/control-client.ts";

const container = (over: Partial<ContainerBody>): ContainerBody => ({
  name: "x",
  group: "app",
  status: "STARTED",
  status_goal: "STARTED",
  restart_policy: "container",
  roles: [],
  ...over,
});
const group = { name: "app", status_goal: "STARTED", restart_policy: "container" };

test("what is not at its goal is named with its state, and nothing else", () => {
  const containers = [
    container({ name: "fine" }),
    container({ name: "better", status: "READY" }),
    container({ name: "late", status: "STOPPED", error: "no volume" }),
  ];
  const groups = [
    { ...group, status: "STARTING" },
    { ...group, name: "data", status: "READY" },
  ];
  const daemons = [
    { name: "hwrngd", pid: 0, respawn: true },
    { name: "pv-xconnect", pid: -1, respawn: true },
  ];
  expect(bootCulprits({ containers, groups, daemons })).toEqual({
    told: [
      "container late (STOPPED, goal STARTED: no volume)",
      "group app (STARTING, goal STARTED)",
      "service pv-xconnect (does not run)",
    ],
    containers: ["late"],
  });
  expect(bootCulprits({ containers: undefined, groups: undefined, daemons: undefined })).toEqual({
    told: [],
    containers: [],
  });
});

const never = new PvhError("PVH_NEVER_READY", "boot stopped at stage 'ready': too late");
const silent = { sh: () => Promise.reject(new Error("no shell")) } as never;

test("a boot that never came to READY names the culprit and the end of its console", async () => {
  const control = {
    containers: () => Promise.resolve([container({ name: "late", status: "STOPPED" })]),
    groups: () => Promise.resolve([]),
    daemons: () => Promise.reject(new Error("silent")),
  } as Partial<ControlClient> as ControlClient;
  const shell = {
    sh: () => Promise.resolve({ exitCode: 0, stdout: "one\n\nlast words\n", stderr: "" }),
  } as never;
  const error = await explainNeverReady(never, shell, control, () => Promise.resolve(""));
  expect(toFailure(error)).toMatchObject({
    code: "PVH_NEVER_READY",
    message:
      "boot stopped at stage 'ready': too late; not at its goal: container late (STOPPED, goal STARTED)",
    quotes: [{ from: "the console of late", lines: ["one", "last words"] }],
  });
});

test("where nothing answers, pv-appengine's own output is quoted", async () => {
  const control = {
    containers: () => Promise.reject(new Error("silent")),
    groups: () => Promise.reject(new Error("silent")),
    daemons: () => Promise.reject(new Error("silent")),
  } as Partial<ControlClient> as ControlClient;
  const error = await explainNeverReady(never, silent, control, () => Promise.resolve("bye\n"));
  expect(toFailure(error)).toMatchObject({
    message: never.message,
    quotes: [{ from: "the last output of pv-appengine", lines: ["bye"] }],
  });
});
