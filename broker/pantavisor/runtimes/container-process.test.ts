import { spawn } from "node:child_process";
import { expect, it } from "vitest";
import type { Ending } from "./container-process.ts";
import { watchContainer } from "./container-process.ts";

const spawnMonitor = (script: string) => spawn("sh", ["-c", script], { stdio: "ignore" });
const silent = (code: number | null): Ending => ({ exitCode: code });

it("a monitor whose init never runs is killed at the deadline, and that is the reason", async () => {
  const { started, ended } = watchContainer(spawnMonitor("exec sleep 60"), silent, 50);
  expect(await started).toBeUndefined();
  expect(await ended).toEqual({ exitCode: null, reason: "init did not run within 50 ms" });
});

it("what the monitor logged until the deadline is the better reason", async () => {
  const describe = (exitCode: number | null, initRan: boolean): Ending => ({
    exitCode,
    reason: `mount failed, init ran: ${initRan}`,
  });
  const { ended } = watchContainer(spawnMonitor("exec sleep 60"), describe, 50);
  expect(await ended).toEqual({ exitCode: null, reason: "mount failed, init ran: false" });
});

it("a monitor that fails is known as soon as it ends, long before the deadline", async () => {
  const { started, ended } = watchContainer(spawnMonitor("exit 3"), silent, 3_600_000);
  expect(await ended).toEqual({ exitCode: 3 });
  expect(await started).toBeUndefined();
});

it("a monitor that is killed before init ran has no reason of its own", async () => {
  const container = watchContainer(spawnMonitor("exec sleep 60"), silent, 3_600_000);
  container.kill();
  expect(await container.ended).toEqual({ exitCode: null });
});
