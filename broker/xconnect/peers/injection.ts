import { chmodSync, closeSync, fstatSync, openSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { randomUUID } from "node:crypto";
import {
  changeOwner,
  makeCharacterDevice,
  makeDeviceNumber,
  renameEntry,
  unlinkEntry,
} from "../../shared/linux/directory-entry.ts";
import { SystemCallError } from "../../shared/linux/errno.ts";
import { isMountedNodev } from "../../shared/linux/mount-flags.ts";
import { O_NOFOLLOW, O_PATH, RESOLVE_IN_ROOT, openat2 } from "../../shared/linux/openat2.ts";
import { connectToInode, listenIn } from "../../shared/linux/unix-stream.ts";
import type { SocketOptions } from "../../shared/linux/unix-stream.ts";
import type { DeviceNode } from "./file-facts.ts";
import type { ContainerRoot } from "./container-root.ts";

/**
 * Plant sockets and device nodes in a container and take them back.
 *
 * The container is root in its own tree and may change it at any moment. Every step goes through
 * open directories, so no change leads out of the container. A planted file is identified by its
 * inode, never by its name.
 */
export interface Planted {
  readonly dev: bigint;
  readonly ino: bigint;
  /**
   * Birth time, which tells an inode from a later one with the same number (ext4 reuses them at
   * once).
   */
  readonly birthtimeNs: bigint;
}

const SOCKET_MODE = 0o666;
const REPLACED = "it was replaced meanwhile";
const NULL_DEVICE: DeviceNumber = { major: 1, minor: 3 };
/** Backlog of a planted socket; the kernel caps it at net.core.somaxconn (4096). */
export const BACKLOG = 4096;

type DeviceNumber = Pick<DeviceNode, "major" | "minor">;

/** Stands for any inode, at a path whose name the broker has made up itself. */
export const ANY_INODE: Planted = { dev: 0n, ino: 0n, birthtimeNs: 0n };

/**
 * The record of planted inodes. It is written before anything is made, so that after a kill at any
 * moment the next broker knows all that was left.
 */
export interface PlantLedger {
  /** True when the inode is planted for a link now. */
  isPlanted(inode: Planted): boolean;
  /** A file will be made at this path in the consumer, under a temporary name of our own. */
  willUse(path: string): void;
  /** The inode will be renamed to the target. */
  willPlant(inode: Planted): void;
}

export interface PlantOptions extends SocketOptions {
  /** True when a socket may be replaced even if a process listens on it. */
  readonly replaceLive: boolean;
  readonly ledger: PlantLedger;
  readonly backlog?: number;
}

/**
 * Make a listening socket at the target.
 * @returns the listening fd, owned by the caller
 * @throws SystemCallError EROFS, …; Error when the target is taken
 */
export function plantSocket(
  root: ContainerRoot,
  target: string,
  { replaceLive, ledger, backlog = BACKLOG, ...options }: PlantOptions,
): { fd: number; planted: Planted } {
  using parent = openParent(root, target, ledger);
  clear(parent, (inode, facts) => {
    if (!facts.isSocket()) return false;
    // Do not probe a socket of our own: its provider would see a connection of the consumer.
    return replaceLive || !(ledger.isPlanted(facts) || isListening(inode));
  });
  return underOwnName(parent, (temporary) => {
    const { directory } = parent;
    const fd = listenIn(directory, temporary, SOCKET_MODE, backlog, options);
    try {
      const isSocket = (facts: BigIntStats) => facts.isSocket();
      return { fd, planted: putInPlace(parent, temporary, isSocket, SOCKET_MODE) };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  });
}

/**
 * Make a character device with the owner and mode of the provider's.
 * @throws SystemCallError EPERM, EROFS, …; Error when the target is taken or on a nodev mount
 */
export function plantDevice(
  root: ContainerRoot,
  target: string,
  device: DeviceNode,
  ledger: PlantLedger,
): Planted {
  using parent = openParent(root, target, ledger);
  const { directory } = parent;
  if (isMountedNodev(directory)) throw new Error("it is on a mount that allows no devices");
  if (!opensDevices(parent)) throw new Error("it is on a file system that allows no devices");
  const isSame = (facts: BigIntStats) => isDevice(facts, device);
  // An identical node was left by a broker that was killed, or before the container restarted: take
  // its place. A node of the consumer's own would have another owner or mode.
  clear(
    parent,
    (_inode, facts) => isSame(facts) && hasOwnerAndMode(facts, device) && !ledger.isPlanted(facts),
  );
  return underOwnName(parent, (temporary) => {
    makeCharacterDevice(directory, temporary, { ...device, mode: 0 });
    const inode = openEntry(directory, temporary);
    try {
      if (!isSame(fstatSync(inode, { bigint: true }))) throw new Error(REPLACED);
      changeOwner(inode, device.uid, device.gid);
      chmodSync(`/proc/self/fd/${inode}`, device.mode);
    } finally {
      closeSync(inode);
    }
    return putInPlace(parent, temporary, isSame, device.mode);
  });
}

/** Error codes of openat2(2) for a path that leads nowhere, or no longer to the same place. */
const NOT_THERE = ["ENOENT", "ENOTDIR", "ELOOP"];

/**
 * True while the planted inode is at the target.
 * @throws SystemCallError when it cannot be known (EMFILE, …)
 */
export function isInPlace(
  root: Pick<ContainerRoot, "open">,
  target: string,
  planted: Planted,
): boolean {
  let inode: number;
  try {
    inode = root.open(target, O_PATH | O_NOFOLLOW);
  } catch (error) {
    if (error instanceof SystemCallError && NOT_THERE.includes(error.code)) return false;
    throw error;
  }
  try {
    return isInode(inode, planted);
  } finally {
    closeSync(inode);
  }
}

/** Unlink the target, if it still is the planted inode. */
export function unplant(root: ContainerRoot, target: string, planted: Planted): void {
  const slash = target.lastIndexOf("/");
  let directory: number;
  try {
    directory = root.open(target.slice(0, slash + 1), O_PATH);
  } catch {
    return;
  }
  try {
    const name = target.slice(slash + 1);
    const inode = openEntry(directory, name);
    const isOurs = isInode(inode, planted);
    closeSync(inode);
    if (isOurs) unlinkEntry(directory, name);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.code !== "ENOENT") throw error;
  } finally {
    closeSync(directory);
  }
}

/** The open directory of a target, and the target's name in it. */
interface Parent extends Disposable {
  readonly directory: number;
  readonly name: string;
  /** Path of the directory, with a slash at its end. */
  readonly path: string;
  readonly ledger: PlantLedger;
}

function openParent(root: ContainerRoot, target: string, ledger: PlantLedger): Parent {
  const parent = root.openParent(target);
  return {
    ...parent,
    path: target.slice(0, target.lastIndexOf("/") + 1),
    ledger,
    [Symbol.dispose]: () => closeSync(parent.directory),
  };
}

/**
 * Make a file under a temporary name; `make` renames it to the target when it is ready. So a
 * consumer never sees a half-made target, and a target's name may be longer than sun_path.
 */
function underOwnName<T>(parent: Parent, make: (temporary: string) => T): T {
  const { directory, name, path, ledger } = parent;
  const temporary = `.pvx-${randomUUID()}`;
  ledger.willUse(`${path}${temporary}`);
  try {
    return make(temporary);
  } catch (error) {
    removeQuietly(directory, temporary);
    // Report the target's name, not our random temporary one: otherwise every retry would log a new
    // message.
    if (!(error instanceof SystemCallError)) throw error;
    throw new SystemCallError(error.syscall, error.errno, name);
  }
}

/** Verify the temporary file and rename it to the target. */
function putInPlace(
  { directory, name, ledger }: Parent,
  temporary: string,
  isExpected: (facts: BigIntStats) => boolean,
  mode: number,
): Planted {
  const planted = verify(directory, temporary, isExpected, mode);
  ledger.willPlant(planted);
  renameEntry(directory, temporary, name);
  const inode = openEntry(directory, name);
  try {
    if (!isInode(inode, planted)) throw new Error(REPLACED);
    return planted;
  } finally {
    closeSync(inode);
  }
}

/**
 * False on a file system that was mounted in a user namespace (SB_I_NODEV). statvfs(3) does not
 * show that, but open(2) of a device fails with EACCES. Try it with a node of /dev/null, which
 * opening does not affect.
 */
function opensDevices(parent: Parent): boolean {
  const { directory } = parent;
  return underOwnName(parent, (temporary) => {
    makeCharacterDevice(directory, temporary, { ...NULL_DEVICE, mode: 0 });
    const inode = openEntry(directory, temporary);
    try {
      if (!isDevice(fstatSync(inode, { bigint: true }), NULL_DEVICE)) throw new Error(REPLACED);
      return mayOpen(inode);
    } finally {
      closeSync(inode);
      removeQuietly(directory, temporary);
    }
  });
}

function mayOpen(inode: number): boolean {
  try {
    closeSync(openSync(`/proc/self/fd/${inode}`, "r"));
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "EACCES");
  }
}

function isDevice(facts: BigIntStats, { major, minor }: DeviceNumber): boolean {
  return facts.isCharacterDevice() && facts.rdev === makeDeviceNumber(major, minor);
}

/** Unlink a target whose inode may be replaced; fail on another one. */
function clear(
  { directory, name }: Parent,
  mayReplace: (inode: number, facts: BigIntStats) => boolean,
): void {
  let inode: number;
  try {
    inode = openEntry(directory, name);
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "ENOENT") return;
    throw error;
  }
  try {
    const facts = fstatSync(inode, { bigint: true });
    if (!mayReplace(inode, facts)) throw new Error(`it is already there: ${kindOf(facts)}`);
    unlinkEntry(directory, name);
  } finally {
    closeSync(inode);
  }
}

function hasOwnerAndMode({ uid, gid, mode }: BigIntStats, device: DeviceNode): boolean {
  const found = [Number(uid), Number(gid), Number(mode & 0o7777n)];
  return found.join() === [device.uid, device.gid, device.mode].join();
}

function isListening(inode: number): boolean {
  try {
    closeSync(connectToInode(inode));
    return true;
  } catch (error) {
    return !(error instanceof SystemCallError && error.code === "ECONNREFUSED");
  }
}

/** Check the inode itself, its kind and its mode, and return its identity. */
function verify(
  directory: number,
  name: string,
  isExpected: (facts: BigIntStats) => boolean,
  mode: number,
): Planted {
  const inode = openEntry(directory, name);
  try {
    const facts = fstatSync(inode, { bigint: true });
    if (!isExpected(facts)) throw new Error(REPLACED);
    const actual = Number(facts.mode & 0o7777n);
    if (actual !== mode) {
      throw new Error(`its mode is ${actual.toString(8)} instead of ${mode.toString(8)}`);
    }
    return { dev: facts.dev, ino: facts.ino, birthtimeNs: facts.birthtimeNs };
  } finally {
    closeSync(inode);
  }
}

function openEntry(directory: number, name: string): number {
  return openat2(directory, name, O_PATH | O_NOFOLLOW, RESOLVE_IN_ROOT);
}

function isInode(fd: number, planted: Planted): boolean {
  if (planted.ino === ANY_INODE.ino) return true;
  const facts = fstatSync(fd, { bigint: true });
  return (["dev", "ino", "birthtimeNs"] as const).every((key) => facts[key] === planted[key]);
}

function removeQuietly(directory: number, name: string): void {
  try {
    unlinkEntry(directory, name);
  } catch {
    // The file was not made yet, is renamed already, or the container has removed it.
  }
}

function kindOf(facts: BigIntStats): string {
  if (facts.isSocket()) return "a socket that somebody listens on";
  if (facts.isDirectory()) return "a directory";
  if (facts.isSymbolicLink()) return "a symbolic link";
  if (facts.isFile()) return "a regular file";
  if (facts.isCharacterDevice()) return "a character device";
  return "another kind of file";
}
