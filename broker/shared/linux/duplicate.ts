import { fcntl } from "./fcntl.ts";
import { check } from "./libc.ts";

const F_DUPFD_CLOEXEC = 1030;

/**
 * Another descriptor of the same open file (fcntl(2), F_DUPFD_CLOEXEC).
 * @returns an fd that the caller owns
 * @throws SystemCallError EMFILE
 */
export function duplicate(fd: number): number {
  return check(fcntl(fd, F_DUPFD_CLOEXEC, 0), "fcntl");
}
