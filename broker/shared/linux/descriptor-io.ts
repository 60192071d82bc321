import { CONTROL_SPACE, decodeControl, encodeControl } from "./control-message.ts";
import { lastErrno, libc } from "./libc.ts";
import { Scratch } from "./stream-io.ts";

/**
 * recv(2) and send(2) with file descriptors, for streams that carry some now and then: one
 * struct msghdr (LP64) and its iovec and control space for the whole thread.
 */
const MSG_CTRUNC = 0x8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSGHDR = 56;
const IOVEC = 16;

type MessageCall = (fd: number, header: number, flags: number) => number;
const recvmsgCall = libc.func("int64_t recvmsg(int, uintptr_t, int)") as MessageCall;
const sendmsgCall = libc.func("int64_t sendmsg(int, uintptr_t, int)") as MessageCall;

const control = new Scratch(CONTROL_SPACE);
const header = new Scratch(MSGHDR + IOVEC);
header.bytes.fill(0);
header.bytes.writeBigUInt64LE(BigInt(header.address + MSGHDR), 16);
header.bytes.writeBigUInt64LE(1n, 24);
header.bytes.writeBigUInt64LE(BigInt(control.address), 32);

export interface Arrival {
  /** Bytes read; 0 at the end of the stream, the negative errno when nothing was read. */
  readonly count: number;
  /** Descriptors that came with the bytes, close-on-exec; the caller closes them. */
  readonly fds: readonly number[];
  /** True when descriptors were lost: this process has no room for more. */
  readonly isCut: boolean;
}

const NO_FDS: readonly number[] = [];

/**
 * As `receive`, with the descriptors that came with these bytes, in order.
 * @param at offset in the scratch where the bytes go
 */
export function receiveWithFds(socket: number, into: Scratch, size: number, at = 0): Arrival {
  prepare(into.address + at, size, CONTROL_SPACE);
  const count = recvmsgCall(socket, header.address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count === -1) return { count: -lastErrno(), fds: NO_FDS, isCut: false };
  const length = header.bytes.readUInt32LE(40);
  const isCut = (header.bytes.readUInt32LE(48) & MSG_CTRUNC) !== 0;
  const fds = length === 0 ? NO_FDS : decodeControl(control.bytes.subarray(0, length)).fds;
  return { count, fds, isCut };
}

/** As `send`, with descriptors: they go with the first byte, and none goes when no byte does. */
export function sendWithFds(
  socket: number,
  bytes: { readonly scratch: Scratch; readonly from: number; readonly count: number },
  fds: readonly number[],
): number {
  const encoded = encodeControl({ fds });
  encoded.copy(control.bytes);
  prepare(bytes.scratch.address + bytes.from, bytes.count, encoded.length);
  const sent = sendmsgCall(socket, header.address, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent === -1 ? -lastErrno() : sent;
}

function prepare(address: number, size: number, controlSize: number): void {
  const { bytes } = header;
  bytes.writeBigUInt64LE(BigInt(controlSize), 40);
  bytes.writeInt32LE(0, 48);
  bytes.writeBigUInt64LE(BigInt(address), MSGHDR);
  bytes.writeBigUInt64LE(BigInt(size), MSGHDR + 8);
}
