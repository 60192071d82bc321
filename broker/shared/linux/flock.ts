import { constants } from "node:os";
import { check, lastErrno, libc } from "./libc.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

const flockCall = libc.func("int flock(int, int)") as (fd: number, operation: number) => number;

/**
 * Try to lock an open file for this open file description alone (flock(2)); the lock goes
 * with the last fd, also when the process is killed.
 * @returns false when another open file description holds the lock
 */
export function tryLock(fd: number): boolean {
  const result = flockCall(fd, LOCK_EX | LOCK_NB);
  if (result === -1 && lastErrno() === constants.errno.EAGAIN) return false;
  check(result, "flock");
  return true;
}
