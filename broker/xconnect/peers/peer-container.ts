import { readFileSync } from "node:fs";
import { containerOf, isNumbered, monitoredBy } from "../../shared/formats/container-cgroup.ts";

/**
 * Find out if a process is certainly of another container than the graph says, which names a pid
 * that was used again: some Pantavisors keep the pids of the dead, and give no start times. A
 * process outside of all containers is judged by its root, where that is opened.
 *
 * @param read text of a file, empty when it cannot be read
 */
export function isOfAnother(pid: number, container: string, read = textOf): boolean {
  const found = containerOf(read(`/proc/${pid}/cgroup`));
  // Old graphs do not name the provider.
  if (found === undefined || found === container || container === "") return false;
  if (!isNumbered(found, container)) return true;
  const parent = /^PPid:\s*(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "0";
  return monitoredBy(read(`/proc/${parent}/cmdline`)) !== container;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
