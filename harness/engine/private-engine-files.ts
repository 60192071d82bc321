import { readFileSync } from "node:fs";
import { engineFolder, engineRunFolder } from "./folders.ts";

/** Where the private engine has its files, and which process it is. */
export function privateEngineHost(): string {
  return `unix://${socketPath()}`;
}

/** dockerd writes here; every error about it names the file. */
export const privateEngineLog = (): string => engineFolder("dockerd.log");

export const socketPath = (): string => engineRunFolder("docker.sock");
export const pidFile = (): string => engineRunFolder("dockerd.pid");

/** Pid of the private dockerd, or undefined. A pid file alone proves nothing: pids are reused. */
export function runningPid(): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile(), "utf8"));
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return command.includes(socketPath()) ? pid : undefined;
  } catch {
    return undefined;
  }
}
