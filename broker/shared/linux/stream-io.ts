import koffi from "koffi";
import { constants } from "node:os";
import { lastErrno, libc } from "./libc.ts";

/**
 * The calls that move a stream's bytes. Every message of every session makes them, so they neither
 * allocate nor throw: the result is a count, or the negative errno.
 *
 * koffi takes an address as a plain number at a third of the cost of a Buffer. The memory behind it
 * is made once and never freed.
 */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
export const SHUT_RD = 0;
export const SHUT_WR = 1;

export const EAGAIN = -constants.errno.EAGAIN;
export const ECONNRESET = -constants.errno.ECONNRESET;
export const EINTR = -constants.errno.EINTR;
export const ENODEV = -constants.errno.ENODEV;
export const EPIPE = -constants.errno.EPIPE;

// The calls return ssize_t; its lower half is enough for these sizes and cheaper to convert.
type Transfer = (fd: number, address: number, count: number, flags: number) => number;
const recvCall = libc.func("int recv(int, uintptr_t, size_t, int)") as Transfer;
const sendCall = libc.func("int send(int, uintptr_t, size_t, int)") as Transfer;
const writeCall = libc.func("int write(int, uintptr_t, size_t)") as (
  fd: number,
  address: number,
  count: number,
) => number;
const spliceCall = libc.func(
  "int splice(int, uintptr_t, int, uintptr_t, size_t, unsigned int)",
) as (
  from: number,
  fromOffset: number,
  to: number,
  toOffset: number,
  count: number,
  flags: number,
) => number;
const acceptCall = libc.func("int accept4(int, uintptr_t, uintptr_t, int)") as (
  listener: number,
  address: number,
  length: number,
  flags: number,
) => number;
const shutdownCall = libc.func("int shutdown(int, int)") as (fd: number, how: number) => number;

/** Memory at a fixed address, outside the garbage collector's heap. */
export class Scratch {
  readonly bytes: Buffer;
  readonly address: number;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.address = Number(koffi.address(this.bytes));
  }
}

/** Read up to `count` bytes into the scratch, at an offset; 0 is the end of the stream. */
export function receive(socket: number, scratch: Scratch, count: number, at = 0): number {
  return orErrno(recvCall(socket, scratch.address + at, count, MSG_DONTWAIT));
}

export function send(socket: number, scratch: Scratch, from: number, count: number): number {
  return orErrno(sendCall(socket, scratch.address + from, count, MSG_DONTWAIT | MSG_NOSIGNAL));
}

export function writePipe(pipe: number, scratch: Scratch, from: number, count: number): number {
  return orErrno(writeCall(pipe, scratch.address + from, count));
}

/**
 * Move bytes between a socket and a pipe without copying them (splice(2)). -EAGAIN does not say
 * which of the two was not ready.
 */
export function splice(from: number, to: number, count: number): number {
  const flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  return orErrno(spliceCall(from, 0, to, 0, count, flags));
}

/** @returns a non-blocking fd that the caller owns, or the negative errno */
export function accept(listener: number): number {
  return orErrno(acceptCall(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

/** shutdown(2). Its errors are ignored: ENOTCONN says that the other side has gone. */
export function shutdown(socket: number, how: typeof SHUT_RD | typeof SHUT_WR): void {
  shutdownCall(socket, how);
}

function orErrno(result: number): number {
  return result === -1 ? -lastErrno() : result;
}
