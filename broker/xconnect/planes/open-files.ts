import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { sizeOf } from "../../shared/linux/statx.ts";

/** Number of descriptors that this process has open, and its limit. */
export interface OpenFiles {
  open(): number;
  readonly limit: number;
}

/**
 * Milliseconds for which a count is used again: each new session asks for it, and counting costs as
 * much as accept(2). In that time fewer are opened than the session budget keeps in reserve.
 */
const MAX_AGE = 1;

/**
 * Counts open descriptors by the size of /proc/self/fd (proc_pid_fd(5), since Linux 6.2). Older
 * kernels give 0; then only the number of sessions limits accepting.
 */
export function openFiles(): OpenFiles {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  let open = 0;
  let lookedAt = -Infinity;
  return {
    open: () => {
      const now = performance.now();
      if (now >= lookedAt + MAX_AGE) {
        open = sizeOf("/proc/self/fd") ?? 0;
        lookedAt = now;
      }
      return open;
    },
    // The text without a number is "unlimited".
    limit: soft === undefined ? Infinity : Number(soft),
  };
}
