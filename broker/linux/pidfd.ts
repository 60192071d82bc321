import { constants } from "node:os";
import { check, lastErrno, libc } from "./libc.ts";
import { systemCallNumbers } from "./system-call-numbers.ts";

const POLLIN = 1;
const { EINTR } = constants.errno;

const pidfdOpenCall = libc.func("syscall", "long", ["long", "int", "unsigned int"]) as (
  number: number,
  pid: number,
  flags: number,
) => number;
const pollCall = libc.func("int poll(void *, unsigned long, int)") as (
  descriptors: Buffer,
  count: number,
  timeout: number,
) => number;

/**
 * A handle that always means this process, whatever becomes of its number (pidfd_open(2)).
 * @returns an fd that the caller owns
 * @throws SystemCallError ESRCH, …
 */
export function openPidfd(pid: number): number {
  return check(pidfdOpenCall(systemCallNumbers().pidfdOpen, pid, 0), "pidfd_open", String(pid));
}

/** True once the process has ended, reaped or not: its number may be another's from then on. */
export function hasExited(pidfd: number): boolean {
  const descriptor = Buffer.alloc(8);
  descriptor.writeInt32LE(pidfd, 0);
  descriptor.writeInt16LE(POLLIN, 4);
  let ready = pollCall(descriptor, 1, 0);
  // A signal does not make it wait: it has not been asked yet.
  while (ready === -1 && lastErrno() === EINTR) ready = pollCall(descriptor, 1, 0);
  return check(ready, "poll") > 0;
}
