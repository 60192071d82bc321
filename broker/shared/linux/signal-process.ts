import { constants } from "node:os";
import { closeFd } from "./epoll.ts";
import { SystemCallError } from "./errno.ts";
import { check, libc } from "./libc.ts";
import { openPidfd } from "./pidfd.ts";
import { readStartTime } from "./process-start.ts";
import { systemCallNumbers } from "./system-call-numbers.ts";

const pidfdSendSignalCall = libc.func("syscall", "long", [
  "long",
  "int",
  "int",
  "void *",
  "unsigned int",
]) as (number: number, pidfd: number, signal: number, info: null, flags: number) => number;

/** A process for good: its pid and when it started, as of readStartTime(). */
export interface ProcessName {
  readonly pid: number;
  readonly startTime: number;
}

/**
 * Send a signal to this process and to no other: its pid may be another's by now, or become so
 * between a look and the signal (pidfd_send_signal(2)).
 * @returns false when it has gone
 * @throws SystemCallError EMFILE, EPERM
 */
export function signalProcess({ pid, startTime }: ProcessName, signal: NodeJS.Signals): boolean {
  let pidfd: number | undefined;
  try {
    pidfd = openPidfd(pid);
    // Read behind the opening: when it is the right one, so is what was opened.
    if (readStartTime(pid) !== startTime) return false;
    const number = systemCallNumbers().pidfdSendSignal;
    check(
      pidfdSendSignalCall(number, pidfd, constants.signals[signal], null, 0),
      "pidfd_send_signal",
      `${pid}`,
    );
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  } finally {
    if (pidfd !== undefined) closeFd(pidfd);
  }
}

function isGone(error: unknown): boolean {
  const code =
    error instanceof SystemCallError ? error.code : (error as NodeJS.ErrnoException).code;
  return code === "ESRCH" || code === "ENOENT";
}
