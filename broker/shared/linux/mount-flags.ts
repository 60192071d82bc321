import { check, libc } from "./libc.ts";

const fstatvfsCall = libc.func("int fstatvfs(int, void *)") as (fd: number, out: Buffer) => number;

/** sizeof(struct statvfs) on LP64 glibc is 112; f_flag follows nine 8-byte fields. */
const SIZE = 112;
const FLAG_OFFSET = 72;
const ST_NODEV = 4;

/** True when devices cannot be opened on the mount that holds `fd`. */
export function isMountedNodev(fd: number): boolean {
  const out = Buffer.alloc(SIZE);
  check(fstatvfsCall(fd, out), "fstatvfs");
  return (out.readUInt32LE(FLAG_OFFSET) & ST_NODEV) !== 0;
}
