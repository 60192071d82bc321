import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { systemClock } from "../lifecycle/clock.ts";
import { parseQuirks } from "../quirks/quirks.ts";
import type { Daemon } from "./daemon.ts";
import { runDaemon } from "./daemon.ts";

/** @param scale what the daemon's waits are divided by */
function run(
  script: string,
  quirks = "",
  scale = 100,
): { daemon: Daemon; lines: string[] } & AsyncDisposable {
  const lines: string[] = [];
  const daemon = runDaemon({
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
  return { daemon, lines, [Symbol.asyncDispose]: () => daemon.shutDown() };
}

const IDLE = "echo up; while :; do sleep 0.02; done";
const pidOf = (daemon: Daemon): number => daemon.body().pid;
const until = (probe: () => void) => vi.waitFor(probe, { timeout: 5000, interval: 5 });

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

it("is told of changes by SIGHUP, but not before it listens", async () => {
  // Its line says that it listens, well before the two seconds after which it surely does.
  const script = "trap 'echo changed' HUP; echo up; while :; do sleep 0.02; done";
  await using running = run(script, "", 1);
  running.daemon.notify();
  await until(() => expect(running.lines).toContain("INFO [d-out]: changed"));
  expect(running.lines.filter((line) => line.includes("ended"))).toEqual([]);
});

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
  const program = join(import.meta.dirname, "daemon.starved.fixture.ts");
  const command = ["--nofile=200", process.execPath, program];
  const { stdout, stderr } = spawnSync("prlimit", command, { encoding: "utf8", timeout: 20_000 });
  expect([stdout, stderr]).toEqual(["running\n", ""]);
});
