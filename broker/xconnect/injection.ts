import { chmodSync, closeSync, fstatSync, openSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { randomUUID } from "node:crypto";
import {
  changeOwner,
  makeCharacterDevice,
  makeDeviceNumber,
  renameEntry,
  unlinkEntry,
} from "../linux/directory-entry.ts";
import { SystemCallError } from "../linux/errno.ts";
import { isMountedNodev } from "../linux/mount-flags.ts";
import { O_NOFOLLOW, O_PATH, RESOLVE_IN_ROOT, openat2 } from "../linux/openat2.ts";
import { connectToInode, listenIn } from "../linux/unix-stream.ts";
import type { SocketOptions } from "../linux/unix-stream.ts";
import type { DeviceNode } from "../plugins/plugin.ts";
import type { ContainerRoot } from "./container-root.ts";

/**
 * Plant sockets and device nodes in a container and take them back.
 *
 * The container is root in its own tree and may change it at any moment; every step goes
 * through open directories, so whatever it does stays inside it. What is planted is known by
 * its inode, never by its name.
 */
export interface Planted {
  readonly dev: bigint;
  readonly ino: bigint;
  /** File systems give a number that is free to the next inode (ext4 at once): its birth tells. */
  readonly birthtimeNs: bigint;
}

const SOCKET_MODE = 0o666;
const REPLACED = "it was replaced meanwhile";
const NULL_DEVICE: DeviceNumber = { major: 1, minor: 3 };
/** Connections that wait for us; the kernel caps it at net.core.somaxconn (4096). */
export const BACKLOG = 4096;

type DeviceNumber = Pick<DeviceNode, "major" | "minor">;

/** For a name that is our own: whichever inode has it. */
export const WHICHEVER: Planted = { dev: 0n, ino: 0n, birthtimeNs: 0n };

/**
 * What is planted where. It is told before anything is made: whenever the broker is killed, the
 * next one knows all that it has left.
 */
export interface PlantLedger {
  /** Planted for a link at present. */
  isPlanted(inode: Planted): boolean;
  /** Something will be made at this path of the consumer's, under a name of our own. */
  willUse(path: string): void;
  /** The inode will get the target's name. */
  willPlant(inode: Planted): void;
}

export interface PlantOptions extends SocketOptions {
  /** Also take the place of a socket that somebody listens on. */
  readonly replaceLive: boolean;
  readonly ledger: PlantLedger;
  readonly backlog?: number;
}

/**
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
    // One of ours is not asked: to its provider that would be a connection of the consumer's.
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
  // Its very likeness is taken for what was left by a broker that was killed, or in a container
  // that has restarted; a node of the consumer's own may have another owner or mode.
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

/** What openat2(2) says of a path that leads nowhere, or no longer to where it led. */
const NOT_THERE = ["ENOENT", "ENOTDIR", "ELOOP"];

/**
 * True while the inode that was planted is at the target.
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

/** Unlink the target, if it still is the inode that was planted. */
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

/** The directory of a target, open, and the target's name in it. */
interface Parent extends Disposable {
  readonly directory: number;
  readonly name: string;
  /** The directory's path with a slash at its end. */
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
 * What is planted is born under a name of our own and gets the target's when it is ready: a
 * consumer that sees it can use it, nothing half-made is left at the target, and a target's name
 * may be longer than sun_path.
 */
function underOwnName<T>(parent: Parent, make: (temporary: string) => T): T {
  const { directory, name, path, ledger } = parent;
  const temporary = `.pvx-${randomUUID()}`;
  ledger.willUse(`${path}${temporary}`);
  try {
    return make(temporary);
  } catch (error) {
    removeQuietly(directory, temporary);
    // Nobody knows our name, and with it each retry would say something else.
    if (!(error instanceof SystemCallError)) throw error;
    throw new SystemCallError(error.syscall, error.errno, name);
  }
}

/** Give what was made the target's name. */
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
 * False on a file system that was mounted in a user namespace (SB_I_NODEV), which statvfs(3) does
 * not tell, but open(2) by EACCES. Tried with /dev/null, whose opening does nothing.
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

/** Free a target, if `mayReplace` says so of the inode that is there. */
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

/** The inode as it is now; the permissions are judged on it and never by name. */
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
  if (planted.ino === WHICHEVER.ino) return true;
  const facts = fstatSync(fd, { bigint: true });
  return (["dev", "ino", "birthtimeNs"] as const).every((key) => facts[key] === planted[key]);
}

function removeQuietly(directory: number, name: string): void {
  try {
    unlinkEntry(directory, name);
  } catch {
    // Not made yet, renamed already, or taken away by the container.
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
