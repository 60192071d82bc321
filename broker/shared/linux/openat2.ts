import { constants } from "node:fs";
import { constants as system } from "node:os";
import { lastErrno, libc } from "./libc.ts";
import { SystemCallError } from "./errno.ts";
import { Scratch } from "./stream-io.ts";
import { systemCallNumbers } from "./system-call-numbers.ts";

/** open(2) flags that Node does not name; equal on all architectures we build for. */
export const O_PATH = 0o10000000;
export const O_CLOEXEC = 0o2000000;
export const { O_DIRECTORY, O_NOFOLLOW } = constants;

/** openat2(2): magic links (/proc/PID/root, /proc/PID/fd/N) are refused with ELOOP. */
export const RESOLVE_NO_MAGICLINKS = 0x02;
/** openat2(2): "/", ".." and every symlink stay below the directory, as after chroot(2). */
export const RESOLVE_IN_ROOT = 0x10;

const RACES = 64;

// The address as a plain number: see stream-io.ts.
const openat2Call = libc.func("syscall", "long", [
  ...["long", "int", "str", "uintptr_t", "size_t"],
]) as (number: number, directory: number, path: string, how: number, size: number) => number;

/** struct open_how: flags, mode, resolve; 64 bits each. */
const how = new Scratch(24);
how.bytes.fill(0);

/**
 * Open `path` relative to the directory fd. O_CLOEXEC is added.
 *
 * @returns an fd that the caller owns
 * @throws SystemCallError ENOENT, ELOOP, …
 */
export function openat2(directory: number, path: string, flags: number, resolve: number): number {
  if (path.includes("\0")) throw new Error("a path holds a NUL byte");
  // The values fit the lower halves of the 64-bit fields; the upper halves stay 0.
  how.bytes.writeUInt32LE(flags | O_CLOEXEC, 0);
  how.bytes.writeUInt32LE(resolve, 16);
  for (let attempt = 1; ; attempt += 1) {
    const fd = openat2Call(
      systemCallNumbers().openat2,
      directory,
      path,
      how.address,
      how.bytes.length,
    );
    if (fd !== -1) return fd;
    const errno = lastErrno();
    // EAGAIN means that a rename raced with "..". A hostile container can repeat that for ever, so
    // the number of attempts is bounded.
    if (errno !== system.errno.EAGAIN || attempt === RACES)
      throw new SystemCallError("openat2", errno, path);
  }
}
