import { close, closeSync } from "node:fs";
import type { FdType } from "../formats/fd-types.ts";
import { fdKind } from "../linux/fd-kind.ts";
import type { FdKind } from "../linux/fd-kind.ts";

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

/** A descriptor that a container has sent. Ours to close. */
export interface ForeignFd {
  readonly fd: number;
  /** undefined: not judged */
  readonly kind: FdKind | undefined;
}

/** @throws SystemCallError when one cannot be looked at; all are closed then */
export function judged(fds: readonly number[]): ForeignFd[] {
  const foreign: ForeignFd[] = [];
  try {
    for (const fd of fds) foreign.push({ fd, kind: fdKind(fd) });
    return foreign;
  } catch (error) {
    for (const fd of fds) closeForeign(fd, undefined);
    throw error;
  }
}

/** @returns what the first one is that may not pass */
export function refusedAmong(
  fds: readonly ForeignFd[],
  allowed: ReadonlySet<FdType>,
): string | undefined {
  const refused = fds.find(({ kind }) => kind?.type === undefined || !allowed.has(kind.type));
  return refused === undefined ? undefined : (refused.kind?.name ?? "unknown");
}

export function closeAll(fds: readonly ForeignFd[]): void {
  for (const { fd, kind } of fds) closeForeign(fd, kind?.type);
}

/** @param type as judged; undefined when it was not, or is none that may pass */
function closeForeign(fd: number, type: FdType | undefined): void {
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
