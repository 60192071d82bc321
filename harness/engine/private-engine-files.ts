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

/** dockerd starts a containerd of its own, which ends with it, and notes its pid here. */
const containerdFolder = (): string => engineRunFolder("exec/containerd");
export const containerdPidFile = (): string => `${containerdFolder()}/containerd.pid`;

/** Pid of the private dockerd, or undefined. */
export function runningPid(): number | undefined {
  return livingPid(pidFile(), socketPath());
}

/** Pid of the containerd of the private dockerd, or undefined. */
export function containerdPid(): number | undefined {
  return livingPid(containerdPidFile(), `${containerdFolder()}/`);
}

/**
 * The pid in a file, if its process lives and has `word` in its command line. A pid file alone
 * proves nothing: pids are reused, and a process that has ended keeps its pid until its parent
 * looks.
 */
export function livingPid(file: string, word: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return command !== "" && command.includes(word) ? pid : undefined;
  } catch {
    return undefined;
  }
}
