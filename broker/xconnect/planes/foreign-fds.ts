import { close, closeSync } from "node:fs";
import type { FdType } from "../../shared/formats/fd-types.ts";
import { fdKind } from "../../shared/linux/fd-kind.ts";
import type { FdKind } from "../../shared/linux/fd-kind.ts";

/**
 * Types of descriptors that are closed on the spot. Closing another one that a container has sent
 * can wait for ever: for its FUSE daemon (close(2) flushes), for the unsent bytes of a TCP socket
 * with SO_LINGER, for a terminal to drain. Those are closed on a thread of Node's pool.
 */
const CLOSE_AT_ONCE: ReadonlySet<FdType | undefined> = new Set([
  "memfd",
  "dmabuf",
  "pipe",
  "eventfd",
]);

/** Descriptors waiting to be closed at which no more are received. */
const MAX_CLOSING = 1024;
let closing = 0;

/** A descriptor that a container has sent; the broker closes it. */
export interface ForeignFd {
  readonly fd: number;
  /** Kind of the descriptor; undefined when it was not judged. */
  readonly kind: FdKind | undefined;
}

/** @throws SystemCallError when one cannot be looked at; then all of them are closed */
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

/** @returns the name of the first one's kind that may not pass; undefined when all may */
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

/** @param type type as judged; undefined when it was not judged or is none that may pass */
function closeForeign(fd: number, type: FdType | undefined): void {
  if (CLOSE_AT_ONCE.has(type)) {
    closeSync(fd);
    return;
  }
  closing += 1;
  close(fd, () => (closing -= 1));
}

/** False while so many wait to be closed that more could exhaust the broker's descriptors. */
export function mayReceiveForeign(): boolean {
  return closing < MAX_CLOSING;
}
