import { closeSync, readFileSync, statfsSync, statSync } from "node:fs";
import type { FdType } from "../formats/fd-types.ts";
import { splitDeviceNumber } from "./directory-entry.ts";
import { fcntl } from "./fcntl.ts";
import { check, libc } from "./libc.ts";
import { openPidfd } from "./pidfd.ts";
import { createMemfd } from "./sealed-memfd.ts";

/**
 * The type of a file descriptor from a hostile process. It is never judged by the text of its link
 * in /proc/self/fd, which a file name can imitate, and never by a call that a file system in user
 * space would have to answer: fstat(2) and fstatfs(2) wait for a FUSE daemon, statx(2) with
 * AT_STATX_DONT_SYNC and /proc/self/fdinfo do not.
 */
export interface FdKind {
  /** Type by which manifests authorise it; undefined for one that never passes a link. */
  readonly type: FdType | undefined;
  /** Name for log lines: the type, or the kind of file that never passes. */
  readonly name: string;
}

const AT_EMPTY_PATH = 0x1000;
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_BASIC_STATS = 0x7ff;
const F_GETFL = 3;
const O_PATH = 0o10000000;
const S_IFMT = 0o170000;
const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFBLK = 0o060000;
const S_IFREG = 0o100000;
const S_IFSOCK = 0o140000;
/** statfs(2), linux/magic.h */
const DMA_BUF_MAGIC = 0x444d4142;

const statxCall = libc.func("int statx(int, str, int, unsigned int, void *)") as (
  fd: number,
  path: string,
  flags: number,
  mask: number,
  result: Buffer,
) => number;

/** @throws SystemCallError EBADF */
export function fdKind(fd: number): FdKind {
  if ((check(fcntl(fd, F_GETFL, 0), "F_GETFL") & O_PATH) !== 0) return refused("O_PATH");
  const { mode, links, device } = statx(fd);
  switch (mode & S_IFMT) {
    case S_IFSOCK:
      return passing("socket");
    case S_IFIFO:
      return passing("pipe");
    case S_IFCHR:
    case S_IFBLK:
      return passing("device");
    case S_IFDIR:
      return refused("directory");
    case S_IFREG:
      return regularKind(fd, links, device);
    case 0:
      return anonymousKind(fd);
    default:
      return refused("unknown");
  }
}

function regularKind(fd: number, links: number, device: string): FdKind {
  const known = knownDevices();
  // Files of a mounted tmpfs are on another device than memfds, whatever their seals say.
  if (device === known.memfd) return links === 0 ? passing("memfd") : refused("unknown");
  if (device === known.namespace) return refused("namespace");
  if (device === known.pidfd) return refused("pidfd");
  return hasField(fd, "exp_name") ? dmabufKind(fd) : passing("file");
}

/** The kind of an anonymous inode: its mode names no file type. */
function anonymousKind(fd: number): FdKind {
  if (hasField(fd, "exp_name")) return dmabufKind(fd);
  return hasField(fd, "eventfd-count") ? passing("eventfd") : refused("anonymous");
}

/** Called for a file with the field `exp_name`, so not for a FUSE file: statfs(2) does not wait. */
function dmabufKind(fd: number): FdKind {
  const isDmabuf = statfsSync(`/proc/self/fd/${fd}`).type === DMA_BUF_MAGIC;
  return isDmabuf ? passing("dmabuf") : refused("unknown");
}

function hasField(fd: number, name: string): boolean {
  return readFileSync(`/proc/self/fdinfo/${fd}`, "latin1").includes(`\n${name}:`);
}

interface KnownDevices {
  readonly memfd: string;
  readonly namespace: string;
  /** Device of pidfds; before Linux 6.9 the device of all anonymous inodes. */
  readonly pidfd: string;
}

let devices: KnownDevices | undefined;

function knownDevices(): KnownDevices {
  devices ??= {
    memfd: deviceOf(createMemfd("probe")),
    namespace: namespaceDevice(),
    pidfd: deviceOf(openPidfd(process.pid)),
  };
  return devices;
}

/** The device of a descriptor's inode. Closes the descriptor. */
function deviceOf(fd: number): string {
  try {
    return statx(fd).device;
  } finally {
    closeSync(fd);
  }
}

function namespaceDevice(): string {
  const { major, minor } = splitDeviceNumber(statSync("/proc/self/ns/mnt", { bigint: true }).dev);
  return `${major}:${minor}`;
}

function statx(fd: number): { mode: number; links: number; device: string } {
  const result = Buffer.alloc(256);
  const flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  check(statxCall(fd, "", flags, STATX_BASIC_STATS, result), "statx");
  return {
    links: result.readUInt32LE(16),
    mode: result.readUInt16LE(28),
    device: `${result.readUInt32LE(136)}:${result.readUInt32LE(140)}`,
  };
}

function passing(type: FdType): FdKind {
  return { type, name: type };
}

function refused(name: string): FdKind {
  return { type: undefined, name };
}
