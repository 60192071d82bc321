import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parseGroups } from "../formats/groups.ts";
import { parseState } from "../formats/state.ts";
import { systemClock } from "../lifecycle/clock.ts";
import type { Outcome } from "../lifecycle/revision.ts";
import { none } from "../quirks/quirks.ts";
import { toConfig } from "./appengine-config.ts";
import { readBootEnvironment } from "./boot-environment.ts";
import { planRevision } from "./revision-plan.ts";
import { RevisionRunner } from "./revision-runner.ts";
import { Updater } from "./updater.ts";

let storage: string;

beforeEach(() => {
  vi.useFakeTimers();
  storage = mkdtempSync(join(tmpdir(), "pvh-updater-"));
  for (const name of ["boot", "trails/locals/b/.pv"]) {
    mkdirSync(join(storage, name), { recursive: true });
  }
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(storage, { recursive: true });
});

/** A boot that tries revision locals/b, which has no containers and so is READY at once. */
function tryRevision() {
  const revision = "locals/b";
  const state = parseState({ "#spec": "pantavisor-service-system@1" }, none);
  const planned = planRevision(revision, state, parseGroups([{ name: "app" }]), 10, none);
  const config = toConfig("", { PV_STORAGE_MNTPOINT: storage });
  const clock = systemClock();
  const log = {
    write: () => undefined,
    effect: () => undefined,
    moveTo: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
  const onExit = vi.fn<(outcome: Outcome) => void>();
  const runner = new RevisionRunner({
    plan: planned.plan,
    definitions: [],
    config,
    controlSocket: "",
    environment: {},
    drivers: { prepare: () => undefined },
    log,
    clock,
    realClock: clock,
    quirks: none,
    onStatus: () => undefined,
    onStep: () => updater.onStep(),
    onPeersChanged: () => undefined,
    onExit,
  });
  const running = () => ({ revision, state, ...planned });
  const onSwitch = () => undefined;
  const updater = new Updater({ config, quirks: none, log, clock, runner, running, onSwitch });
  updater.beginTrial();
  runner.begin();
  vi.advanceTimersByTime(config.commitDelay * 1000);
  const progress = JSON.parse(
    readFileSync(join(storage, "trails", revision, ".pv/progress"), "utf8"),
  ) as unknown;
  return { onExit, progress, boot: readBootEnvironment(join(storage, "boot/uboot.txt")) };
}

it("a revision that stays READY is committed", () => {
  const { onExit, progress, boot } = tryRevision();
  expect(boot).toEqual({ revision: "locals/b", trying: undefined });
  expect(progress).toMatchObject({ status: "DONE" });
  expect(onExit).not.toHaveBeenCalled();
});

it("one that a full disk does not let be committed is rolled back", () => {
  symlinkSync("/dev/full", join(storage, "boot/uboot.txt.new"));
  const { onExit, progress, boot } = tryRevision();
  expect(boot).toEqual({ revision: "0", trying: undefined });
  expect(progress).toMatchObject({
    status: "ERROR",
    "status-msg": "Not enough disk space available",
  });
  expect(onExit).toHaveBeenCalledExactlyOnceWith("reboot");
});
