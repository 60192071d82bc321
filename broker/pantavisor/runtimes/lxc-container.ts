import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerProcess, Ending } from "./container-process.ts";
import { watchContainer } from "./container-process.ts";
import type { ContainerStart } from "./container-type.ts";
import { logGrowth } from "./log-growth.ts";
import { exitCodeFromLog, lxcConfig, startErrorFromLog } from "./lxc-config.ts";
import { readObject } from "./revision-object.ts";

/** Where liblxc looks for containers. */
export const LXC_FOLDER = "/var/lib/lxc";

/** Containers of type lxc: `lxc-start -F` is the monitor. */
export function startLxc(start: ContainerStart): ContainerProcess {
  const { name, run, revisionFolder, configFolder, controlSocket, environment } = start;
  if (run.config === undefined) throw new Error("run.json names no config");
  const logFolder = join(start.logFolder, "lxc");
  mkdirSync(logFolder, { recursive: true });
  const own = readObject(revisionFolder, name, run.config);
  mkdirSync(join(LXC_FOLDER, name), { recursive: true });
  const text = lxcConfig(own, { name, logFolder, configFolder, controlSocket, environment });
  writeFileSync(join(LXC_FOLDER, name, "config"), text);

  const readLog = logGrowth(join(logFolder, "lxc.log"));
  const monitor = spawn("lxc-start", ["-F", "-n", name], { stdio: "ignore" });
  return watchContainer(monitor, (code) => describeEnd(code, readLog()));
}

function describeEnd(monitorCode: number | null, log: string): Ending {
  if (monitorCode === null) return { exitCode: null };
  if (monitorCode !== 0) return { exitCode: monitorCode, reason: startErrorFromLog(log) };
  return { exitCode: exitCodeFromLog(log) };
}
