import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Outcome } from "./lifecycle/revision.ts";
import { STATE_SPEC } from "../shared/formats/state.ts";
import { none } from "../shared/quirks/quirks.ts";
import { readBootEnvironment, tryAtNextBoot } from "./storage/boot-environment.ts";
import { makeRunner } from "./revision-runner.fixture.ts";
import { Updater } from "./updater.ts";

/** SHA-256 of no bytes at all. */
const SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

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

it("nothing is run when the device is going down already", async () => {
  const { runner, updater } = begin();
  runner.dispatch({ type: "shutdown", outcome: "poweroff" });
  expect(await updater.run("locals/c", { reboot: true })).toEqual({
    status: 409,
    reason: "The poweroff has begun",
  });
  expect(readBootEnvironment(bootFile()).trying).toBeUndefined();
});

it("the device is busy while a revision is verified, which does not run when the device goes down", async () => {
  const { runner, updater, config } = begin();
  vi.advanceTimersByTime(config.commitDelay * 1000);
  expect(updater.isBusy()).toBe(false);
  const folder = join(storage, "trails/locals/c");
  mkdirSync(join(folder, ".pvr"), { recursive: true });
  const device = { groups: [{ name: "app" }] };
  const state = { "#spec": STATE_SPEC, "device.json": device, "notes.txt": SHA256_OF_NOTHING };
  writeFileSync(join(folder, ".pvr/json"), JSON.stringify(state));
  writeFileSync(join(folder, "device.json"), JSON.stringify(device));
  writeFileSync(join(folder, "notes.txt"), "");
  const refusal = updater.run("locals/c", { reboot: true });
  expect([updater.isBusy(), updater.next]).toEqual([true, "locals/c"]);
  runner.dispatch({ type: "shutdown", outcome: "poweroff" });
  expect(await refusal).toEqual({ status: 409, reason: "The poweroff has begun" });
  expect(updater.isBusy()).toBe(false);
  expect(readBootEnvironment(bootFile()).trying).toBeUndefined();
});
