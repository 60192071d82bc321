import { check, libc } from "./libc.ts";

const F_DUPFD_CLOEXEC = 1030;

const fcntlCall = libc.func("int fcntl(int, int, ...)") as (
  fd: number,
  command: number,
  ...argument: [string, number]
) => number;

/**
 * Another descriptor of the same open file (fcntl(2), F_DUPFD_CLOEXEC).
 * @returns an fd that the caller owns
 * @throws SystemCallError EMFILE
 */
export function duplicate(fd: number): number {
  return check(fcntlCall(fd, F_DUPFD_CLOEXEC, "int", 0), "fcntl");
}
