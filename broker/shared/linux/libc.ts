import koffi from "koffi";
import { SystemCallError } from "./errno.ts";

/**
 * libc through koffi. Only files in broker/shared/linux import this; each wraps a few calls in
 * typed functions that throw SystemCallError.
 *
 * Pointers are passed as Buffers. Calls are synchronous, so only calls that do not block are made
 * (openat2, bind, mknodat, mount, non-blocking connect).
 *
 * Symbols are looked up as those of a program are, not in one file: calls then also go through a
 * library that is preloaded, such as umockdev's, with which tests have devices.
 */
export const libc = koffi.load(null);

/** Throws unless a call that reports failure as -1 succeeded; returns its result. */
export function check(result: number, syscall: string, subject?: string): number {
  if (result === -1) throw new SystemCallError(syscall, koffi.errno(), subject);
  return result;
}

export function lastErrno(): number {
  return koffi.errno();
}

/** A NUL-terminated C string. */
export function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`, "utf8");
}
