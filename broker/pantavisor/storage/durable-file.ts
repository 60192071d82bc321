import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Files that outlive a power cut: after it a path has its old content or its new one, never a
 * part. rename(2) gives that against a kill; against a power cut the data has to be on the disk
 * before the name is, and the folder after it (fsync(2)).
 */
export function writeDurably(path: string, content: string): void {
  const incoming = `${path}.new`;
  writeSynced(incoming, content);
  renameSync(incoming, path);
  syncFolder(dirname(path));
}

/**
 * Write a file that does not have its final name yet.
 * @param flag `wx` where a file that is there already could be somebody else's by a hard link
 */
export function writeSynced(path: string, content: string, flag: "w" | "wx" = "w"): void {
  const fd = openSync(path, flag, 0o644);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Make renames, links and new files in a folder survive a power cut. */
export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
