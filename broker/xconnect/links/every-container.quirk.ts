import { readFileSync, readdirSync } from "node:fs";
import { containerOf } from "../../shared/formats/container-cgroup.ts";
import type { GraphEntry } from "../../shared/formats/graph.ts";

/** The graph with every service for every container on the machine. */
export function everyContainer(
  entries: readonly GraphEntry[],
  pids: readonly number[] = containerInits(),
): GraphEntry[] {
  const all = [...entries];
  for (const pid of pids) {
    const known = entries.find(({ consumer_pid }) => consumer_pid === pid)?.consumer;
    for (const entry of entries) {
      const consumer = known ?? nameOf(pid) ?? `pid-${pid}`;
      if (all.some((other) => other.consumer_pid === pid && other.name === entry.name)) continue;
      all.push({ ...entry, consumer, consumer_pid: pid, consumer_start: undefined });
    }
  }
  return all;
}

/** The container's name: a peer whose cgroup has another one is refused. */
function nameOf(pid: number): string | undefined {
  try {
    return containerOf(readFileSync(`/proc/${pid}/cgroup`, "utf8"));
  } catch {
    return undefined;
  }
}

/** Processes with pid 1 in a PID namespace below ours (NSpid of /proc/PID/status). */
function containerInits(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isContainerInit(pid));
}

function isContainerInit(pid: number): boolean {
  try {
    const pids = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    const numbers = (pids ?? "").trim().split(/\s+/);
    return numbers.length > 1 && numbers.at(-1) === "1";
  } catch {
    return false;
  }
}
