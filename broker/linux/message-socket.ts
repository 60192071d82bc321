import { closeSync } from "node:fs";
import koffi from "koffi";
import { CONTROL_SPACE, TIMESTAMP_SPACE, decodeControl, encodeControl } from "./control-message.ts";
import type { Control, MessageCredentials } from "./control-message.ts";
import { SystemCallError } from "./errno.ts";
import { lastErrno, libc } from "./libc.ts";
import { POLLOUT, isReady } from "./poll.ts";
import { watch } from "./readiness.ts";
import { setSocketOption } from "./socket-option.ts";
import { SHUT_RD, SHUT_WR, shutdown } from "./stream-io.ts";
import type { Readiness } from "./readiness.ts";
import type { SocketType } from "./unix-stream.ts";

/** Bytes that are read from a stream at once. */
const CHUNK = 64 * 1024;
/** The largest packet that is received whole. */
export const PACKET_LIMIT = 256 * 1024;

const SO_SNDBUF = 7;
const SO_TIMESTAMP = 29;
const MSG_PEEK = 0x2;
const MSG_CTRUNC = 0x8;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** struct msghdr (LP64), then two struct iovec, then space for control messages. */
const MSGHDR = 56;
const IOVEC = 16;
const CONTROL = MSGHDR + 2 * IOVEC;
/** An address that is never mapped (vm.mmap_min_addr): what would be copied to it is not taken. */
const NOWHERE = 8n;

type MessageCall = (fd: number, header: Buffer, flags: number) => number;
const recvmsgCall = libc.func("int64_t recvmsg(int, void *, int)") as MessageCall;
const sendmsgCall = libc.func("int64_t sendmsg(int, void *, int)") as MessageCall;

// Shared by all sockets: every call is synchronous. What is kept is copied out.
const scratch = Buffer.allocUnsafeSlow(CONTROL + CONTROL_SPACE);
const scratchAddress = koffi.address(scratch);
const incoming = Buffer.allocUnsafeSlow(PACKET_LIMIT + 1);
const incomingAddress = koffi.address(incoming);

export type Received =
  | { readonly type: "end" }
  | {
      readonly type: "message";
      /** Valid until the next receive on any socket. */
      readonly bytes: Buffer;
      /** Owned by the caller. Close-on-exec. */
      readonly fds: readonly number[];
      /** Who sent it, where SO_PASSCRED is on. */
      readonly credentials?: MessageCredentials;
      /** Bytes of the packet were lost: it is longer than PACKET_LIMIT. */
      readonly isCut: boolean;
      /** Fds were lost: this process has no room for more, or wanted none. */
      readonly hasLostFds: boolean;
    };

/**
 * A connected unix socket whose messages carry file descriptors and credentials. Owns its
 * descriptor; never blocks.
 */
export class MessageSocket implements Disposable {
  readonly fd: number;
  readonly type: SocketType;
  #watcher: Disposable | undefined;
  #isOpen = true;

  /** Owns `fd` from here on. */
  constructor(fd: number, type: SocketType) {
    this.fd = fd;
    this.type = type;
    if (type === "stream") return;
    // A packet of no bytes looks like the end, but for its timestamp (unix(7), socket(7)).
    setSocketOption(this.fd, SO_TIMESTAMP, 1);
    // So that whatever we receive can be sent on; the kernel caps it at wmem_max.
    setSocketOption(this.fd, SO_SNDBUF, PACKET_LIMIT + 1024);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Call `onReady` at each edge of readiness until the socket is closed. */
  watch(onReady: (ready: Readiness) => void): void {
    this.#watcher = watch(this.fd, onReady);
  }

  /**
   * The next message, or the next bytes of a stream.
   *
   * The kernel joins plain bytes with the fd-carrying ones behind them into one chunk of a
   * stream, which would make fds overtake bytes when the chunk is sent on. With `exact`, the
   * fds of a chunk belong to its first byte.
   *
   * Without `withFds` the kernel discards fds: none enters this process.
   *
   * @returns undefined when there is nothing to read now
   * @throws SystemCallError ECONNRESET, …
   */
  receive({ exact = false, withFds = true } = {}): Received | undefined {
    if (this.type === "seqpacket") {
      // The timestamp is written before the fds and leaves no room for them.
      return this.#receive(incoming.length, withFds ? CONTROL_SPACE : TIMESTAMP_SPACE);
    }
    return this.#receive(exact ? this.#beforeFds(CHUNK) : CHUNK, withFds ? CONTROL_SPACE : 0);
  }

  /**
   * @returns how many of the bytes were taken (with any of them the fds, which stay the
   *          caller's to close), or undefined when the socket is full
   * @throws SystemCallError EPIPE, EMSGSIZE, ETOOMANYREFS, …
   */
  send(bytes: Buffer, control: Control): number | undefined {
    prepare(koffi.address(bytes.length > 0 ? bytes : scratch), bytes.length);
    if (control.fds.length > 0 || control.credentials !== undefined) {
      const encoded = encodeControl(control);
      encoded.copy(scratch, CONTROL);
      useControl(encoded.length);
    }
    const sent = sendmsgCall(this.fd, scratch, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent !== -1) return sent;
    throwUnlessLater("sendmsg");
    return undefined;
  }

  /** A message would be taken now, or fail for good. */
  hasRoom(): boolean {
    return isReady(this.fd, POLLOUT);
  }

  /** No more will be sent: the peer reads an end. */
  endWriting(): void {
    shutdown(this.fd, SHUT_WR);
  }

  /** Nobody reads any more: the peer's writes fail with EPIPE. */
  endReading(): void {
    shutdown(this.fd, SHUT_RD);
  }

  /** May be called again. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watcher?.[Symbol.dispose]();
    closeSync(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #receive(length: number, controlSpace: number): Received | undefined {
    prepare(incomingAddress, length);
    useControl(controlSpace);
    const count = recvmsgCall(this.fd, scratch, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count === -1) {
      throwUnlessLater("recvmsg");
      return undefined;
    }
    const controlLength = Number(scratch.readBigUInt64LE(40));
    const flags = scratch.readInt32LE(48);
    const control = decodeControl(scratch.subarray(CONTROL, CONTROL + controlLength));
    if (count === 0 && !control.hasTimestamp) return { type: "end" };
    return {
      type: "message",
      bytes: incoming.subarray(0, count),
      fds: control.fds,
      ...(control.credentials === undefined ? {} : { credentials: control.credentials }),
      isCut: (flags & MSG_TRUNC) !== 0 || count > PACKET_LIMIT,
      hasLostFds: (flags & MSG_CTRUNC) !== 0,
    };
  }

  /**
   * How many bytes to read so that fds come with the first of them or not at all.
   *
   * MSG_PEEK without room for control messages says by MSG_CTRUNC whether fds are in the
   * chunk, and how long it is: it ends with the buffer that carries them, whose beginning is
   * not told. Reading one byte less than that length with an unmapped address behind it
   * does: the kernel takes whole buffers as long as they fit and leaves the one that faults
   * (unix_stream_read_generic). EFAULT with nothing taken: the first buffer is that long.
   */
  #beforeFds(limit: number): number {
    prepare(incomingAddress, limit);
    const count = recvmsgCall(this.fd, scratch, MSG_DONTWAIT | MSG_PEEK);
    // An end, an error or EAGAIN is for the read that follows.
    if (count <= 0) return limit;
    if ((scratch.readInt32LE(48) & MSG_CTRUNC) === 0) return count;
    return this.#lengthOfWholeBuffers(count - 1) || count;
  }

  #lengthOfWholeBuffers(limit: number): number {
    prepare(incomingAddress, limit);
    scratch.writeBigUInt64LE(NOWHERE, MSGHDR + IOVEC);
    scratch.writeBigUInt64LE(1n, MSGHDR + IOVEC + 8);
    scratch.writeBigUInt64LE(2n, 24);
    return Math.max(0, recvmsgCall(this.fd, scratch, MSG_DONTWAIT | MSG_PEEK));
  }
}

/** One buffer to read into or write from, no control messages. */
function prepare(address: bigint, length: number): void {
  scratch.fill(0, 0, CONTROL);
  scratch.writeBigUInt64LE(scratchAddress + BigInt(MSGHDR), 16);
  scratch.writeBigUInt64LE(1n, 24);
  scratch.writeBigUInt64LE(address, MSGHDR);
  scratch.writeBigUInt64LE(BigInt(length), MSGHDR + 8);
}

function useControl(length: number): void {
  if (length === 0) return;
  scratch.writeBigUInt64LE(scratchAddress + BigInt(CONTROL), 32);
  scratch.writeBigUInt64LE(BigInt(length), 40);
}

function throwUnlessLater(call: string): void {
  const error = new SystemCallError(call, lastErrno());
  if (error.code !== "EAGAIN" && error.code !== "EINTR") throw error;
}
