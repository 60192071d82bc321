import { closeSync, openSync } from "node:fs";
import { tryLock } from "../../../shared/linux/flock.ts";

/**
 * Does a living process write this file or folder? A writer locks what has no final name yet;
 * the lock ends with the process, so leftovers of a killed writer are free. A path that is
 * gone has just got its final name, and counts as being written: there is nothing to clean up.
 */
export function isBeingWritten(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw error;
  }
  try {
    return !tryLock(fd);
  } finally {
    closeSync(fd);
  }
}
