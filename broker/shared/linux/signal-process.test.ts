import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { readStartTime } from "./process-start.ts";
import { signalProcess } from "./signal-process.ts";

async function sleeper() {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  return { child, pid, startTime: readStartTime(pid) };
}

it("reaches the process of that pid and start time, and no descriptor is left", async () => {
  const { child, pid, startTime } = await sleeper();
  const before = readdirSync("/proc/self/fd").length;
  const ended = once(child, "exit");
  expect(signalProcess({ pid, startTime }, "SIGTERM")).toBe(true);
  expect(await ended).toEqual([null, "SIGTERM"]);
  expect(signalProcess({ pid, startTime }, "SIGTERM")).toBe(false);
  expect(readdirSync("/proc/self/fd")).toHaveLength(before);
});

it("does not reach another that has got its pid", async () => {
  const { child, pid, startTime } = await sleeper();
  expect(signalProcess({ pid, startTime: startTime - 1 }, "SIGKILL")).toBe(false);
  expect(child.kill("SIGTERM")).toBe(true);
  expect(await once(child, "exit")).toEqual([null, "SIGTERM"]);
});
