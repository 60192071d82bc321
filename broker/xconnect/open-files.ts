import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { sizeOf } from "../linux/statx.ts";

/** How many descriptors this process has open, and how many it may have. */
export interface OpenFiles {
  open(): number;
  readonly limit: number;
}

/**
 * To be asked for each new session, a look costs as much as accept(2): it is good for this many
 * milliseconds, in which fewer are opened than the session budget keeps in reserve.
 */
const GOOD_FOR = 1;

/**
 * Linux counts them for us: the size of /proc/self/fd is their number (proc_pid_fd(5), since
 * Linux 6.2). Older kernels say 0; then accept(2) is limited by the number of sessions alone.
 */
export function openFiles(): OpenFiles {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  let open = 0;
  let lookedAt = -Infinity;
  return {
    open: () => {
      const now = performance.now();
      if (now >= lookedAt + GOOD_FOR) {
        open = sizeOf("/proc/self/fd") ?? 0;
        lookedAt = now;
      }
      return open;
    },
    // No figure: "unlimited".
    limit: soft === undefined ? Infinity : Number(soft),
  };
}
