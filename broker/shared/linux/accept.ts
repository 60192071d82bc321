import { SystemCallError } from "./errno.ts";
import { accept } from "./stream-io.ts";

/**
 * Take a waiting connection of a non-blocking listening socket.
 * @returns a non-blocking fd that the caller owns, or undefined when no connection waits
 * @throws SystemCallError EMFILE, ENFILE, …
 */
export function acceptConnection(listener: number): number | undefined {
  const fd = accept(listener);
  if (fd >= 0) return fd;
  const error = new SystemCallError("accept4", -fd);
  if (["EAGAIN", "EINTR", "ECONNABORTED"].includes(error.code)) return undefined;
  throw error;
}
