import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Outcome } from "./lifecycle/revision.ts";
import { none } from "../shared/quirks/quirks.ts";
import { readBootEnvironment, tryAtNextBoot } from "./storage/boot-environment.ts";
import { makeRunner } from "./revision-runner.fixture.ts";
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

const bootFile = () => join(storage, "boot/uboot.txt");

/** A boot that tries revision locals/b, which has no containers and so is READY at once. */
function begin() {
  const onExit = vi.fn<(outcome: Outcome) => void>();
  const parts = { storage, revision: "locals/b", onStep: () => updater.onStep(), onExit };
  const { lines, ...made } = makeRunner(parts);
  const updater = new Updater({ ...made, quirks: none, onSwitch: () => undefined });
  updater.beginTrial();
  made.runner.begin();
  return { ...made, updater, onExit, lines };
}

/** …until its commit delay is over. */
function tryRevision() {
  const { config, onExit, lines } = begin();
  vi.advanceTimersByTime(config.commitDelay * 1000);
  const progress = JSON.parse(
    readFileSync(join(storage, "trails/locals/b/.pv/progress"), "utf8"),
  ) as unknown;
  return { onExit, progress, lines, boot: readBootEnvironment(bootFile()) };
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

it("the log names the revision that the next boot really runs after a failure", () => {
  const { runner, lines } = begin();
  tryAtNextBoot(bootFile(), "locals/good");
  runner.dispatch({ type: "shutdown", outcome: "reboot" });
  expect(lines.join("\n")).toContain("Rolling back to 'locals/good'");
});

it("nothing is run when the device is going down already", () => {
  const { runner, updater } = begin();
  runner.dispatch({ type: "shutdown", outcome: "poweroff" });
  expect(updater.run("locals/c", { reboot: true })).toEqual({
    status: 409,
    reason: "The poweroff has begun",
  });
  expect(readBootEnvironment(bootFile()).trying).toBeUndefined();
});
