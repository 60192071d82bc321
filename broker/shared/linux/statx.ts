import { libc } from "./libc.ts";
import { Scratch } from "./stream-io.ts";

/**
 * statx(2) for inodes that are looked at with each connection, at a third of the cost of node:fs,
 * which makes a BigInt or a Date of each field.
 */
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const STATX_MNT_ID = 0x1000;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;

// The address as a plain number: see stream-io.ts.
const statxCall = libc.func("int statx(int, str, int, unsigned int, uintptr_t)") as (
  directory: number,
  path: string,
  flags: number,
  mask: number,
  result: number,
) => number;

/** Size of struct statx; the offsets of its fields follow. */
const SIZE_OF = 256;
const LINKS = 16;
const MODE = 28;
const INODE = 32;
const SIZE = 40;
const ACCESS_TIME = 64;
const BIRTH_TIME = 80;
const CHANGE_TIME = 96;
const DEVICE = 136;
const MOUNT = 144;
const result = new Scratch(SIZE_OF);

export interface InodeFacts {
  readonly isFile: boolean;
  readonly size: number;
  /** Time of the last change of content or attributes, in milliseconds since 1970. */
  readonly changed: number;
  /** Text that differs when the inode, its size, mode or times (but for the access time) differ. */
  readonly version: string;
}

/** Facts about the inode behind a descriptor; undefined when statx(2) fails. */
export function inodeFacts(fd: number): InodeFacts | undefined {
  if (!look(fd, "", AT_EMPTY_PATH)) return undefined;
  const { bytes } = result;
  bytes.fill(0, ACCESS_TIME, BIRTH_TIME);
  return {
    isFile: (bytes.readUInt16LE(MODE) & S_IFMT) === S_IFREG,
    size: number64(SIZE),
    changed: number64(CHANGE_TIME) * 1000,
    version: bytes.toString("latin1", LINKS, MOUNT),
  };
}

/**
 * Text that identifies the directory and the mount that a path or a descriptor leads to now. Equal
 * texts mean the same directory as long as one of the two is held open.
 * @returns undefined when there is no directory
 */
export function placeOf(at: number | string): string | undefined {
  const found = typeof at === "number" ? look(at, "", AT_EMPTY_PATH) : look(AT_FDCWD, at, 0);
  if (!found) return undefined;
  const { bytes } = result;
  return bytes.toString("latin1", INODE, SIZE) + bytes.toString("latin1", DEVICE, MOUNT + 8);
}

/** @returns undefined when there is nothing at the path */
export function sizeOf(path: string): number | undefined {
  return look(AT_FDCWD, path, 0) ? number64(SIZE) : undefined;
}

function look(directory: number, path: string, flags: number): boolean {
  const mask = STATX_BASIC_STATS | STATX_MNT_ID;
  return statxCall(directory, path, flags, mask, result.address) === 0;
}

/** A 64-bit field as a number: sizes and seconds are below 2^53. */
function number64(at: number): number {
  return result.bytes.readUInt32LE(at + 4) * 2 ** 32 + result.bytes.readUInt32LE(at);
}
