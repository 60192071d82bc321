import { close, closeSync } from "node:fs";
import type { FdType } from "../formats/fd-types.ts";

/**
 * Closing a descriptor that a container has sent can wait for ever: for the answer of its FUSE
 * daemon (close(2) flushes), for the unsent bytes of a TCP socket with SO_LINGER, for a
 * terminal to drain. So only kinds that cannot wait are closed on the spot, the others on a
 * thread of Node's pool.
 */
const CLOSE_AT_ONCE: ReadonlySet<FdType | undefined> = new Set([
  "memfd",
  "dmabuf",
  "pipe",
  "eventfd",
]);

/** Descriptors that may wait to be closed before no more are received. */
const MAX_CLOSING = 1024;
let closing = 0;

/** @param type as judged; undefined when it was not, or is none that may pass */
export function closeForeign(fd: number, type: FdType | undefined): void {
  if (CLOSE_AT_ONCE.has(type)) {
    closeSync(fd);
    return;
  }
  closing += 1;
  close(fd, () => (closing -= 1));
}

/** False while so many wait to be closed that the next ones could exhaust the broker's. */
export function mayReceiveForeign(): boolean {
  return closing < MAX_CLOSING;
}
