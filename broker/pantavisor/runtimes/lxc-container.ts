import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerProcess, Ending } from "./container-process.ts";
import { watchContainer } from "./container-process.ts";
import type { ContainerStart } from "./container-start.ts";
import { logGrowth } from "./log-growth.ts";
import { exitCodeFromLog, lxcConfig, startErrorFromLog } from "./lxc-config.ts";
import { readObject } from "./revision-object.ts";

/** Where liblxc looks for containers. */
export const LXC_FOLDER = "/var/lib/lxc";

/** Containers of type lxc: `lxc-start -F` is the monitor. */
export function startLxc(start: ContainerStart): ContainerProcess {
  const { name, run, revisionFolder, configFolder, controlSocket, environment } = start;
  const { views, sockets, network } = start;
  if (run.config === undefined) throw new Error("run.json names no config");
  const logFolder = join(start.logFolder, "lxc");
  mkdirSync(logFolder, { recursive: true });
  const own = readObject(revisionFolder, name, run.config);
  mkdirSync(join(LXC_FOLDER, name), { recursive: true });
  const text = lxcConfig(own, {
    ...{ name, logFolder, configFolder, controlSocket, environment },
    ...{ views, sockets, network },
  });
  writeFileSync(join(LXC_FOLDER, name, "config"), text);

  const readLog = logGrowth(join(logFolder, "lxc.log"));
  const monitor = spawn("lxc-start", ["-F", "-n", name], { stdio: "ignore" });
  return watchContainer(monitor, (code, initRan) => lxcEnding(code, initRan, readLog()));
}

/**
 * How a container ended, from the exit code of lxc-start, null for a signal, and what it logged.
 * An lxc-start that was killed before init ran has often logged by then why init could not.
 */
export function lxcEnding(monitorCode: number | null, initRan: boolean, log: string): Ending {
  if (monitorCode === 0) return { exitCode: exitCodeFromLog(log) };
  const reason = startErrorFromLog(log);
  if (monitorCode !== null) return { exitCode: monitorCode, reason: reason ?? "lxc-start failed" };
  return initRan || reason === undefined ? { exitCode: null } : { exitCode: null, reason };
}
