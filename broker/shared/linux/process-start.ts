import { readFileSync } from "node:fs";

/**
 * Start time of a process, in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)).
 * Together with the pid it identifies a process for good.
 *
 * @throws ENOENT or ESRCH when there is no such process
 */
export function readStartTime(pid: number): number {
  return parseStartTime(readFileSync(`/proc/${pid}/stat`, "latin1"));
}

/** @throws Error when the text is not a stat line */
export function parseStartTime(stat: string): number {
  // Field 2 is the command in parentheses, which the process chooses: it may hold blanks and
  // parentheses itself, so fields are counted from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const start = Number(fields[19]);
  if (!stat.includes(")") || fields[19] === undefined || !Number.isSafeInteger(start)) {
    throw new Error("not a /proc/PID/stat line");
  }
  return start;
}
