import { check, libc } from "./libc.ts";

/**
 * Changes to one name in an open directory. `name` is a single component; these functions never
 * follow a symlink at it.
 */
const AT_EMPTY_PATH = 0x1000;
const RENAME_NOREPLACE = 1;
const S_IFCHR = 0o020000;

const mkdiratCall = libc.func("int mkdirat(int, str, unsigned int)") as (
  directory: number,
  name: string,
  mode: number,
) => number;
const unlinkatCall = libc.func("int unlinkat(int, str, int)") as (
  directory: number,
  name: string,
  flags: number,
) => number;
const mknodatCall = libc.func("int mknodat(int, str, unsigned int, uint64_t)") as (
  directory: number,
  name: string,
  mode: number,
  device: bigint,
) => number;
const fchownatCall = libc.func("int fchownat(int, str, unsigned int, unsigned int, int)") as (
  directory: number,
  name: string,
  uid: number,
  gid: number,
  flags: number,
) => number;
const renameat2Call = libc.func("int renameat2(int, str, int, str, unsigned int)") as (
  oldDirectory: number,
  oldName: string,
  newDirectory: number,
  newName: string,
  flags: number,
) => number;

/** @throws SystemCallError EEXIST, EROFS, … */
export function makeDirectory(directory: number, name: string, mode: number): void {
  check(mkdiratCall(directory, component(name), mode), "mkdirat", name);
}

/** @throws SystemCallError ENOENT, EBUSY, EISDIR, … */
export function unlinkEntry(directory: number, name: string): void {
  check(unlinkatCall(directory, component(name), 0), "unlinkat", name);
}

/** @throws SystemCallError EEXIST, EPERM, EROFS, … */
export function makeCharacterDevice(
  directory: number,
  name: string,
  device: { readonly major: number; readonly minor: number; readonly mode: number },
): void {
  const rdev = makeDeviceNumber(device.major, device.minor);
  check(mknodatCall(directory, component(name), S_IFCHR | device.mode, rdev), "mknodat", name);
}

/** Change the owner of the inode behind an fd, an O_PATH one too. */
export function changeOwner(fd: number, uid: number, gid: number): void {
  check(fchownatCall(fd, "", uid, gid, AT_EMPTY_PATH), "fchownat");
}

/** Rename within a directory; @throws SystemCallError EEXIST when `to` exists. */
export function renameEntry(directory: number, from: string, to: string): void {
  const result = renameat2Call(
    directory,
    component(from),
    directory,
    component(to),
    RENAME_NOREPLACE,
  );
  check(result, "renameat2", to);
}

/** glibc's gnu_dev_makedev. */
export function makeDeviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (
    (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n)
  );
}

/** glibc's gnu_dev_major and gnu_dev_minor. */
export function splitDeviceNumber(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}

function component(name: string): string {
  if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) {
    throw new Error(`not a single path component: ${JSON.stringify(name)}`);
  }
  return name;
}
