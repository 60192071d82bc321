import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parseGroups } from "../formats/groups.ts";
import { parseState } from "../formats/state.ts";
import { systemClock } from "../lifecycle/clock.ts";
import { none } from "../quirks/quirks.ts";
import { toConfig } from "./appengine-config.ts";
import { planRevision } from "./revision-plan.ts";
import { RevisionRunner } from "./revision-runner.ts";

let storage: string;

beforeEach(() => {
  vi.useFakeTimers();
  storage = mkdtempSync(join(tmpdir(), "pvh-runner-"));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(storage, { recursive: true });
});

/** A runner of one container, with no delay and no limit of retries. */
function run(type: string) {
  const manifest = { name: "a", type, auto_recovery: { policy: "always" } };
  const document = { "#spec": "pantavisor-service-system@1", "a/run.json": manifest };
  const state = parseState(document, none);
  const { plan } = planRevision("0", state, parseGroups([{ name: "app" }]), 10, none);
  const log: string[] = [];
  const runner = new RevisionRunner({
    plan,
    definitions: state.containers,
    config: toConfig("", { PV_STORAGE_MNTPOINT: storage, PV_DISK_VOLDIR: join(storage, "v") }),
    controlSocket: "",
    environment: {},
    drivers: { prepare: () => undefined },
    log: {
      write: () => undefined,
      effect: ({ message }) => void log.push(message),
      moveTo: () => undefined,
      [Symbol.dispose]: () => undefined,
    },
    clock: systemClock(),
    realClock: systemClock(),
    quirks: none,
    onStatus: () => undefined,
    onStep: () => undefined,
    onPeersChanged: () => undefined,
    onExit: () => undefined,
  });
  const failures = () => log.filter((line) => line.includes("suddenly stopped")).length;
  return { runner, failures };
}

it("a container that cannot be started is tried again and again, but not without a pause", async () => {
  const { runner, failures } = run("nosuch");
  runner.begin();
  await vi.advanceTimersByTimeAsync(2000);
  expect(failures()).toBeGreaterThanOrEqual(4);
  expect(failures()).toBeLessThanOrEqual(5);
});

it("a container that waits to be started again can be stopped", async () => {
  const { runner, failures } = run("nosuch");
  runner.begin();
  await vi.advanceTimersByTimeAsync(100);
  runner.dispatch({ type: "container", name: "a", event: { type: "stop" } });
  await vi.advanceTimersByTimeAsync(5000);
  expect(runner.state.containers.get("a")?.status).toBe("STOPPED");
  expect(failures()).toBe(1);
});
