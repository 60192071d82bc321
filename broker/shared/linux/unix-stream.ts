import { closeSync } from "node:fs";
import { check, libc } from "./libc.ts";
import { setSocketOption } from "./socket-option.ts";
import { Scratch } from "./stream-io.ts";

/** Raw AF_UNIX sockets, which node:net cannot bind by directory fd or with a mode. */
const AF_UNIX = 1;
const SOCK_TYPES = { stream: 1, datagram: 2, seqpacket: 5 } as const;
export type SocketType = keyof typeof SOCK_TYPES;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SO_PASSCRED = 16;
/** Size of sun_path; a path may fill it without a closing NUL. */
const SUN_PATH = 108;

const socketCall = libc.func("int socket(int, int, int)") as (
  family: number,
  type: number,
  protocol: number,
) => number;
const bindCall = libc.func("int bind(int, void *, unsigned int)") as (
  fd: number,
  address: Buffer,
  length: number,
) => number;
// The address as a plain number: see stream-io.ts.
const connectCall = libc.func("int connect(int, uintptr_t, unsigned int)") as (
  fd: number,
  address: number,
  length: number,
) => number;
const listenCall = libc.func("int listen(int, int)") as (fd: number, backlog: number) => number;
const fchmodCall = libc.func("int fchmod(int, unsigned int)") as (
  fd: number,
  mode: number,
) => number;

/** Start of the path by which an inode is connected to; its descriptor's number follows. */
const INODE_PATH = "/proc/self/fd/";
const inodeAddress = new Scratch(2 + SUN_PATH);
inodeAddress.bytes.writeUInt16LE(AF_UNIX, 0);
inodeAddress.bytes.write(INODE_PATH, 2, "latin1");

export interface SocketOptions {
  readonly type?: SocketType;
  /** Called to set options of the new socket before it listens or connects. */
  readonly prepare?: (socket: number) => void;
}

/** @returns a non-blocking socket that the caller owns */
export function unixStreamSocket(type: SocketType = "stream"): number {
  const flags = SOCK_TYPES[type] | SOCK_NONBLOCK | SOCK_CLOEXEC;
  return check(socketCall(AF_UNIX, flags, 0), "socket");
}

/**
 * Make a listening socket at `name` in an open directory.
 *
 * The mode is set on the unbound socket, so the inode has it from the start (bind(2) gives it the
 * socket's mode & ~umask): there is no moment with other permissions, and no chmod by name.
 *
 * @returns an fd that the caller owns
 * @throws SystemCallError EADDRINUSE when the name exists, EROFS, …
 */
export function listenIn(
  directory: number,
  name: string,
  mode: number,
  backlog: number,
  { type, prepare }: SocketOptions = {},
): number {
  const fd = unixStreamSocket(type);
  try {
    prepare?.(fd);
    check(fchmodCall(fd, mode), "fchmod");
    // By /proc/self/fd, neither a symlink in the directory's path nor its length can matter.
    const address = socketAddress(`/proc/self/fd/${directory}/${name}`);
    const umask = process.umask(0);
    try {
      check(bindCall(fd, address, address.length), "bind", name);
    } finally {
      process.umask(umask);
    }
    check(listenCall(fd, backlog), "listen", name);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Make a socket for datagrams that tell who has sent them (SO_PASSCRED).
 *
 * @returns an fd that the caller owns
 * @throws SystemCallError EADDRINUSE when the path exists, …
 */
export function bindDatagrams(path: string, mode: number): number {
  const fd = unixStreamSocket("datagram");
  try {
    setSocketOption(fd, SO_PASSCRED, 1);
    check(fchmodCall(fd, mode), "fchmod");
    const address = socketAddress(path);
    const umask = process.umask(0);
    try {
      check(bindCall(fd, address, address.length), "bind", path);
    } finally {
      process.umask(umask);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Connect to the socket inode behind an O_PATH fd, without waiting.
 *
 * @returns a connected non-blocking fd that the caller owns
 * @throws SystemCallError ECONNREFUSED (nobody listens), EAGAIN (backlog full), EPROTOTYPE, …
 */
export function connectToInode(inode: number, { type, prepare }: SocketOptions = {}): number {
  const fd = unixStreamSocket(type);
  try {
    prepare?.(fd);
    const number = `${inode}\0`;
    const start = 2 + INODE_PATH.length;
    inodeAddress.bytes.write(number, start, "latin1");
    check(connectCall(fd, inodeAddress.address, start + number.length), "connect");
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function socketAddress(path: string): Buffer {
  const bytes = Buffer.from(path, "utf8");
  if (bytes.length >= SUN_PATH) throw new Error(`socket path of ${bytes.length} bytes: ${path}`);
  const address = Buffer.alloc(2 + bytes.length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(address, 2);
  return address;
}
