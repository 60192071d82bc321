import koffi from "koffi";
import { lastErrno, libc } from "./libc.ts";

/** Memory of a file over memory of this process: mmap(2) with MAP_FIXED. */
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;

const mmapCall = libc.func("int64_t mmap(uint64_t, size_t, int, int, int, int64_t)") as (
  address: bigint,
  length: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => number;

/** Address of the first byte, valid as long as the memory is not moved. */
export function addressOf(memory: ArrayBuffer): bigint {
  return koffi.address(new Uint8Array(memory));
}

/**
 * Lay the beginning of a file over this memory. An access behind the end of the file is a SIGBUS,
 * so the file must not shrink (`cannotShrink`).
 * @param address of a page
 * @returns 0 or the negative errno
 */
export function mapOver(address: bigint, length: number, fd: number, writable: boolean): number {
  const protection = PROT_READ | (writable ? PROT_WRITE : 0);
  return mapped(mmapCall(address, length, protection, MAP_SHARED | MAP_FIXED, fd, 0));
}

/** Lay fresh memory, all zero, over this memory. */
export function mapNothingOver(address: bigint, length: number): number {
  const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS;
  return mapped(mmapCall(address, length, PROT_READ | PROT_WRITE, flags, -1, 0));
}

function mapped(result: number): number {
  return result === -1 ? -lastErrno() : 0;
}
