import { check, libc } from "./libc.ts";

/** mount(2) and umount2(2) with the few flags that pantavisor needs (values: <linux/mount.h>). */
export const MountFlag = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  bind: 4096,
} as const;

const EBUSY = 16;
const MNT_DETACH = 2;

const rawMount = libc.func(
  "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
);
const rawUmount = libc.func("int umount2(const char *target, int flags)");

export interface MountRequest {
  readonly source: string;
  readonly target: string;
  /** Type of the file system; ignored for bind and remount. */
  readonly type?: string;
  /** MountFlag values, or-ed. */
  readonly flags?: number;
  /** Options of the file system, such as "size=1m,mode=755". */
  readonly data?: string;
}

/** @throws SystemCallError naming the target */
export function mount({ source, target, type, flags = 0, data }: MountRequest): void {
  const result = rawMount(source, target, type ?? null, flags, data ?? null) as number;
  check(result, "mount", target);
}

/**
 * Take a mount away. A busy one is detached: it disappears from the tree at once and is
 * freed when its last user goes.
 * @throws SystemCallError naming the target
 */
export function unmount(target: string): void {
  try {
    check(rawUmount(target, 0) as number, "umount2", target);
  } catch (error) {
    if ((error as { errno?: number }).errno !== EBUSY) throw error;
    check(rawUmount(target, MNT_DETACH) as number, "umount2", target);
  }
}
