import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import type { Dirent } from "node:fs";
import { join, relative } from "node:path";

/** A text file of evidence. */
export interface EvidenceText {
  /** Path below the folder. */
  readonly path: string;
  /** Its text; of a long file the end. */
  readonly text: string;
}

/** Bytes of one file and of all, files, and folders in each other that are read. */
const ONE = 512 * 1024;
const ALL = 16 * 1024 * 1024;
const MOST = 2_000;
const DEPTH = 8;
/** Archives and images are no logs. */
const NO_TEXT = /\.(?:tgz|gz|xz|zst|zip|tar|png|jpg|squashfs|wasm)$/;

/**
 * The text files below a folder, which may come from elsewhere: only regular files are read, links are
 * not followed, and no name leads out of it.
 */
export function readEvidence(folder: string): EvidenceText[] {
  let left = ALL;
  const texts: EvidenceText[] = [];
  for (const path of pathsBelow(folder, DEPTH).slice(0, MOST)) {
    if (left <= 0) break;
    const text = endOf(path, Math.min(ONE, left));
    if (text === undefined) continue;
    left -= Buffer.byteLength(text);
    texts.push({ path: relative(folder, path), text });
  }
  return texts;
}

function pathsBelow(folder: string, depth: number): string[] {
  if (depth === 0) return [];
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return pathsBelow(path, depth - 1);
    return entry.isFile() && !NO_TEXT.test(entry.name) ? [path] : [];
  });
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

/** @returns undefined for what is no regular file, or cannot be read */
function endOf(path: string, most: number): string | undefined {
  let fd: number;
  try {
    // A fifo that came into its place would keep an open waiting.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile()) return undefined;
    const bytes = Buffer.alloc(Math.min(most, facts.size));
    const length = readSync(fd, bytes, 0, bytes.length, facts.size - bytes.length);
    return bytes.toString("utf8", 0, length);
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}
