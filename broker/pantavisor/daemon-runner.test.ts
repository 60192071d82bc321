import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { systemClock } from "./lifecycle/clock.ts";
import { parseQuirks } from "../shared/quirks/quirks.ts";
import type { Daemon } from "./daemon.ts";
import { makeDaemon } from "./daemon-runner.ts";

/** @param scale what the daemon's waits are divided by */
function run(
  script: string,
  quirks = "",
  scale = 100,
): { daemon: Daemon; lines: string[] } & AsyncDisposable {
  const lines: string[] = [];
  const daemon = makeDaemon({
    name: "d",
    command: ["/bin/sh", "-c", script],
    log: {
      write: (level, module, message) => lines.push(`${level} [${module}]: ${message}`),
      effect: () => undefined,
      moveTo: () => undefined,
      [Symbol.dispose]: () => undefined,
    },
    clock: systemClock(scale),
    quirks: parseQuirks(quirks),
  });
  daemon.begin();
  return { daemon, lines, [Symbol.asyncDispose]: () => daemon.shutDown() };
}

const IDLE = "echo up; while :; do sleep 0.02; done";
const pidOf = (daemon: Daemon): number => daemon.body().pid;
const until = (probe: () => void) => vi.waitFor(probe, { timeout: 10_000, interval: 5 });

it("its output goes to the log, stdout as INFO and stderr as WARN", async () => {
  await using running = run("echo out; echo err >&2; exec sleep 60");
  await until(() => {
    expect(running.lines).toContain("INFO [d-out]: out");
    expect(running.lines).toContain("WARN [d-err]: err");
  });
});

it("a crashed daemon comes back with another pid", async () => {
  await using running = run(IDLE);
  const before = pidOf(running.daemon);
  process.kill(before, "SIGKILL");
  await until(() => {
    expect(pidOf(running.daemon)).toBeGreaterThan(0);
    expect(pidOf(running.daemon)).not.toBe(before);
  });
});

it("a stopped daemon stays stopped, with pid -1, until it is started", async () => {
  await using running = run(IDLE);
  const { daemon } = running;
  daemon.stop();
  await until(() => expect(daemon.body()).toEqual({ name: "d", pid: -1, respawn: false }));
  daemon.start();
  expect(daemon.body().respawn).toBe(true);
  expect(pidOf(daemon)).toBeGreaterThan(0);
});

it("a start while it is still stopping runs it again at once", async () => {
  await using running = run(IDLE);
  const { daemon } = running;
  const before = pidOf(daemon);
  daemon.stop();
  daemon.start();
  await until(() => {
    expect(pidOf(daemon)).toBeGreaterThan(0);
    expect(pidOf(daemon)).not.toBe(before);
  });
});

it("one that ignores SIGTERM is killed", async () => {
  await using running = run("trap '' TERM; echo up; while :; do sleep 0.02; done");
  await until(() => expect(running.lines).toContain("INFO [d-out]: up"));
  running.daemon.stop();
  await until(() => expect(pidOf(running.daemon)).toBe(-1));
});

const LOOP = "while :; do sleep 0.02; done";

it.each([
  ["and tells when it does", `trap 'echo changed' HUP; echo up; ${LOOP}`],
  [
    "long after it has first said something",
    `echo up; sleep 0.3; trap 'echo changed' HUP; ${LOOP}`,
  ],
  ["long after a warning", `echo odd >&2; sleep 0.3; trap 'echo changed' HUP; ${LOOP}`],
  // Longer than any time after which it would surely listen on a machine that is not busy.
  ["after a start that takes seconds", `sleep 2.5; trap 'echo changed' HUP; ${LOOP}`],
])("is told of changes by SIGHUP, but not before it listens: %s", async (_name, script) => {
  await using running = run(script, "", 1);
  running.daemon.notify();
  await until(() => expect(running.lines).toContain("INFO [d-out]: changed"));
  expect(running.lines.filter((line) => line.includes("ended"))).toEqual([]);
});

it("is told once of what has changed meanwhile, and again of each change behind it", async () => {
  const script = `sleep 0.3; trap 'echo changed' HUP; ${LOOP}`;
  await using running = run(script, "", 1);
  const told = () => running.lines.filter((line) => line === "INFO [d-out]: changed").length;
  for (let time = 0; time < 20; time += 1) running.daemon.notify();
  await until(() => expect(told()).toBe(1));
  running.daemon.notify();
  await until(() => expect(told()).toBe(2));
});

it("one that never listens is not told, and so lives", async () => {
  await using running = run("echo up; exec sleep 60");
  const before = pidOf(running.daemon);
  running.daemon.notify();
  await until(() => expect(running.lines).toContain("INFO [d-out]: up"));
  running.daemon.notify();
  // Twenty looks of its clock, which runs a hundred times as fast.
  await new Promise((resolve) => systemClock(100).after(1000, () => resolve(undefined)));
  expect(pidOf(running.daemon)).toBe(before);
});

it("the broker survives a SIGHUP at any moment of its start, and of each start behind a crash", async () => {
  const broker = join(import.meta.dirname, "../xconnect/pv-xconnect.main.ts");
  const folder = mkdtempSync(join(tmpdir(), "pvh-daemon-"));
  const command = `exec ${process.execPath} ${broker} --ctrl ${folder}/pv-ctrl`;
  await using running = run(command, "", 1);
  const { daemon, lines } = running;
  const starts = () => lines.filter((line) => line.includes("pv-xconnect starting")).length;
  const hurry = setInterval(() => daemon.notify(), 2);
  for (let start = 1; start <= 5; start += 1) {
    await vi.waitFor(() => expect(starts()).toBe(start), { timeout: 30_000 });
    if (start < 5) process.kill(pidOf(daemon), "SIGKILL");
  }
  clearInterval(hurry);
  const ends = lines.filter((line) => line.includes("daemon d ended"));
  expect(ends).toEqual(ends.map(() => "WARN [daemons]: daemon d ended (SIGKILL)"));
  expect(ends).toHaveLength(4);
  daemon.stop();
  await until(() => expect(pidOf(daemon)).toBe(-1));
  rmSync(folder, { recursive: true });
}, 60_000);

it.each([
  ["daemon-respawns-after-stop", (pid: number, before: number) => pid > 0 && pid !== before],
  ["daemons-pid-stale", (pid: number, before: number) => pid === before],
])("%s shows after a stop", async (quirk, expected) => {
  await using running = run(IDLE, quirk);
  const before = pidOf(running.daemon);
  running.daemon.stop();
  await until(() => {
    expect(running.lines.some((line) => line.includes("ended"))).toBe(true);
    expect(expected(pidOf(running.daemon), before)).toBe(true);
  });
});

it("daemon-no-respawn leaves a crashed daemon down", async () => {
  await using running = run(IDLE, "daemon-no-respawn");
  process.kill(pidOf(running.daemon), "SIGKILL");
  await until(() => expect(pidOf(running.daemon)).toBe(-1));
});

it("daemon-start-ignored starts nothing", async () => {
  await using running = run(IDLE, "daemon-start-ignored");
  running.daemon.stop();
  await until(() => expect(pidOf(running.daemon)).toBe(-1));
  running.daemon.start();
  expect(running.daemon.body()).toEqual({ name: "d", pid: -1, respawn: false });
});

it("a daemon for which no fd is free comes up as soon as there are some", () => {
  const program = join(import.meta.dirname, "daemon-runner.starved.fixture.ts");
  const command = ["--nofile=200", process.execPath, program];
  const { stdout, stderr } = spawnSync("prlimit", command, { encoding: "utf8", timeout: 20_000 });
  expect([stdout, stderr]).toEqual(["running\n", ""]);
});
