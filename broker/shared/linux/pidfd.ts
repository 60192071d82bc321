import { check, libc } from "./libc.ts";
import { POLLIN, isReady } from "./poll.ts";
import { systemCallNumbers } from "./system-call-numbers.ts";

const pidfdOpenCall = libc.func("syscall", "long", ["long", "int", "unsigned int"]) as (
  number: number,
  pid: number,
  flags: number,
) => number;

/**
 * A handle that always means this process, whatever becomes of its number (pidfd_open(2)).
 * @returns an fd that the caller owns
 * @throws SystemCallError ESRCH, …
 */
export function openPidfd(pid: number): number {
  return check(pidfdOpenCall(systemCallNumbers().pidfdOpen, pid, 0), "pidfd_open", String(pid));
}

/** True once the process has ended, reaped or not. Its pid may then belong to another process. */
export function hasExited(pidfd: number): boolean {
  return isReady(pidfd, POLLIN);
}
