import { existsSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readStartTime } from "../shared/linux/process-start.ts";
import type { ProcessName } from "../shared/linux/signal-process.ts";
import { signalProcess } from "../shared/linux/signal-process.ts";
import { unmountBelow } from "./runtimes/volumes.ts";

/**
 * Places where a killed pantavisor leaves things behind: containers with their monitors, mounts,
 * LXC configurations and its daemons. The next pantavisor clears them before it begins.
 */
export interface LeftoverPlaces {
  /** Root of the cgroup2 hierarchy. */
  readonly cgroups: string;
  readonly volumes: string;
  /** Folders in which container runtimes keep what they know of containers. */
  readonly runtimes: readonly string[];
  /** Written by rememberProcess, a file for each daemon. */
  readonly daemonFiles: readonly string[];
}

const LONGEST_WAIT = 3000;

/** @returns the cgroups of containers that were still there */
export async function cleanLeftovers(places: LeftoverPlaces): Promise<readonly string[]> {
  for (const file of places.daemonFiles) killRemembered(file);
  const groups = containerGroups(places.cgroups);
  await Promise.all(groups.map((group) => killGroup(group).catch(ifGone)));
  unmountBelow(places.volumes);
  for (const folder of places.runtimes.filter((path) => existsSync(path))) {
    for (const name of readdirSync(folder)) {
      rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
  return groups;
}

/** Note a process so that the next pantavisor can end it, whatever becomes of this one. */
export function rememberProcess(file: string, pid: number): void {
  writeFileSync(file, JSON.stringify({ pid, startTime: readStartTime(pid) }));
}

function killRemembered(file: string): void {
  try {
    signalProcess(JSON.parse(readFileSync(file, "utf8")) as ProcessName, "SIGKILL");
  } catch {
    // No note, or the process has gone.
  }
}

function containerGroups(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => /^(lxc\.(payload|monitor)|runc\.payload)\./.test(name))
    .map((name) => join(root, name));
}

/** cgroup.kill reaches every process below at once (cgroup v2, Linux ≥ 5.14). */
async function killGroup(folder: string): Promise<void> {
  const deadline = performance.now() + LONGEST_WAIT;
  writeFileSync(join(folder, "cgroup.kill"), "1");
  while (isPopulated(folder) && performance.now() < deadline) await pause(5);
  removeGroup(folder);
}

/** A monitor whose container has just been killed cleans up after it at the same time as we do. */
function ifGone(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT" && error.code !== "ENODEV") throw error;
}

function isPopulated(folder: string): boolean {
  return /^populated 1$/m.test(readFileSync(join(folder, "cgroup.events"), "utf8"));
}

function removeGroup(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(folder, entry.name));
  }
  rmdirSync(folder);
}
