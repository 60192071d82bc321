import { SystemCallError } from "./errno.ts";
import { lastErrno, libc } from "./libc.ts";

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const acceptCall = libc.func("int accept4(int, void *, void *, int)") as (
  fd: number,
  address: null,
  length: null,
  flags: number,
) => number;

/**
 * Take a waiting connection of a non-blocking listening socket.
 * @returns a non-blocking fd that the caller owns, or undefined when nobody waits
 * @throws SystemCallError EMFILE, ENFILE, …
 */
export function acceptConnection(listener: number): number | undefined {
  const fd = acceptCall(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd !== -1) return fd;
  const error = new SystemCallError("accept4", lastErrno());
  if (["EAGAIN", "EINTR", "ECONNABORTED"].includes(error.code)) return undefined;
  throw error;
}
