import { check, libc } from "./libc.ts";
import { SystemCallError } from "./errno.ts";

const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

const rawMknod = libc.func("int mknod(const char *path, unsigned int mode, uint64_t device)");

export interface DeviceNumber {
  readonly kind: "character" | "block";
  readonly major: number;
  readonly minor: number;
}

/**
 * Make a device node with mode 0660 unless something is already there.
 * @returns true when it was made
 * @throws SystemCallError
 */
export function ensureDeviceNode(path: string, { kind, major, minor }: DeviceNumber): boolean {
  try {
    const type = kind === "character" ? S_IFCHR : S_IFBLK;
    const device = makeDevice(major, minor);
    check(rawMknod(path, type | 0o660, device) as number, "mknod", path);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "EEXIST") return false;
    throw error;
  }
}

/** gnu_dev_makedev(3) for majors and minors below 4096 and 2^20. */
function makeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8)) + (minor >>> 8) * 2 ** 20;
}
