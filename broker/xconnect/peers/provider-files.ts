import { closeSync, constants, openSync, readSync } from "node:fs";
import { closeFd } from "../../shared/linux/epoll.ts";
import { O_PATH } from "../../shared/linux/openat2.ts";
import { inodeFacts } from "../../shared/linux/statx.ts";
import type { InodeFacts } from "../../shared/linux/statx.ts";
import type { ContainerRoot } from "./container-root.ts";

/** Bytes of one read. */
const PIECE = 4 * 1024;
/** Largest file whose content is kept; larger ones are read anew each time. */
const MAX_KEPT_BYTES = 64 * 1024;
/**
 * Milliseconds that a file must have been left alone before its content is kept: the clock of
 * inodes is coarse, and a second change within one tick would not be seen.
 */
const SETTLING_TIME = 1_000;

interface CachedFile {
  readonly version: string;
  readonly content: string;
}

/**
 * Small files of one provider process (passwd, group), which each connection needs. Their content
 * is kept while inode, size, times and mode stay the same, and only for the life of that process:
 * under another process, another file system may have the same numbers.
 */
export class ProviderFiles {
  readonly #kept = new Map<string, CachedFile>();

  /** @returns undefined when it is absent, not a regular file or larger than `maxBytes` */
  read(root: Pick<ContainerRoot, "open">, path: string, maxBytes: number): string | undefined {
    let inode: number;
    try {
      inode = root.open(path, O_PATH);
    } catch {
      return undefined;
    }
    try {
      // Look at the inode before opening it for reading: opening a fifo or a device can wait or
      // act.
      const facts = inodeFacts(inode);
      if (facts?.isFile !== true) return undefined;
      const { version } = facts;
      const kept = this.#kept.get(path);
      if (kept?.version === version) return kept.content;
      const content = readBounded(inode, maxBytes);
      this.#kept.delete(path);
      if (content !== undefined && mayKeep(facts)) this.#kept.set(path, { version, content });
      return content;
    } finally {
      closeFd(inode);
    }
  }
}

function mayKeep({ size, changed }: InodeFacts): boolean {
  return size <= MAX_KEPT_BYTES && Date.now() - changed > SETTLING_TIME;
}

function readBounded(inode: number, maxBytes: number): string | undefined {
  const fd = openSync(`/proc/self/fd/${inode}`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const pieces: Buffer[] = [];
    for (let left = maxBytes; left >= 0;) {
      const piece = Buffer.allocUnsafe(PIECE);
      const count = readSync(fd, piece, 0, piece.length, null);
      if (count === 0) return Buffer.concat(pieces).toString("utf8");
      pieces.push(piece.subarray(0, count));
      left -= count;
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}
