import { closeSync } from "node:fs";
import koffi from "koffi";
import {
  CONTROL_SPACE,
  CREDENTIALS_SPACE,
  TIMESTAMP_SPACE,
  decodeControl,
  encodeControl,
} from "./control-message.ts";
import type { Control, MessageCredentials } from "./control-message.ts";
import { SystemCallError } from "./errno.ts";
import { lastErrno, libc } from "./libc.ts";
import { POLLOUT, isReady } from "./poll.ts";
import { watch } from "./readiness.ts";
import { setSocketOption } from "./socket-option.ts";
import { SHUT_RD, SHUT_WR, shutdown } from "./stream-io.ts";
import type { Readiness } from "./readiness.ts";
import type { SocketType } from "./unix-stream.ts";

/** Bytes of the largest read from a stream. */
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
/** Address that is never mapped (vm.mmap_min_addr): the kernel cannot copy bytes to it. */
const UNMAPPED = 8n;

type MessageCall = (fd: number, header: Buffer, flags: number) => number;
const recvmsgCall = libc.func("int64_t recvmsg(int, void *, int)") as MessageCall;
const sendmsgCall = libc.func("int64_t sendmsg(int, void *, int)") as MessageCall;

// All sockets share this memory, since every call is synchronous. Bytes that are kept are copied.
const scratch = Buffer.allocUnsafeSlow(CONTROL + CONTROL_SPACE);
const scratchAddress = koffi.address(scratch);
const incoming = Buffer.allocUnsafeSlow(PACKET_LIMIT + 1);
const incomingAddress = koffi.address(incoming);

export type Received =
  | { readonly type: "end" }
  | {
      readonly type: "message";
      /** Bytes of the message, valid until the next receive on any socket. */
      readonly bytes: Buffer;
      /** Descriptors of the message, close-on-exec; the caller closes them. */
      readonly fds: readonly number[];
      /** Credentials of the sender, where SO_PASSCRED is on. */
      readonly credentials?: MessageCredentials;
      /** True when bytes were lost: the packet is longer than PACKET_LIMIT. */
      readonly isCut: boolean;
      /** True when fds were lost: this process has no room for more, or asked for none. */
      readonly hasLostFds: boolean;
    };

/**
 * A connected unix socket, or one for datagrams, whose messages carry file descriptors and credentials. Owns its
 * descriptor; never blocks.
 */
export class MessageSocket implements Disposable {
  readonly fd: number;
  readonly type: SocketType;
  #watcher: Disposable | undefined;
  #isOpen = true;

  /** @param fd owned by the socket from now on */
  constructor(fd: number, type: SocketType) {
    this.fd = fd;
    this.type = type;
    if (type === "stream") return;
    // Only its timestamp tells an empty packet from the end (unix(7), socket(7)).
    setSocketOption(this.fd, SO_TIMESTAMP, 1);
    // The buffer must hold every packet that we receive; the kernel caps it at wmem_max.
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
    if (this.type !== "stream") {
      // A control buffer of the timestamp's size leaves no room for fds, which come behind it and
      // behind the credentials, which only datagrams are asked for.
      const asked = this.type === "datagram" ? CREDENTIALS_SPACE : 0;
      return this.#receive(incoming.length, withFds ? CONTROL_SPACE : TIMESTAMP_SPACE + asked);
    }
    return this.#receive(exact ? this.#beforeFds(CHUNK) : CHUNK, withFds ? CONTROL_SPACE : 0);
  }

  /**
   * @returns how many bytes were taken, or undefined when the socket is full. The fds go with the
   *          first byte; the caller still closes its own
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

  /** @returns true when the next send would not find the socket full: it succeeds or fails */
  hasRoom(): boolean {
    return isReady(this.fd, POLLOUT);
  }

  /** End our sending half: the peer reads an end. */
  endWriting(): void {
    shutdown(this.fd, SHUT_WR);
  }

  /** End our receiving half: the peer's writes fail with EPIPE. */
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
   * A chunk ends with the kernel buffer that carries fds. A peek (MSG_PEEK) without room for
   * control messages gives the chunk's length, and MSG_CTRUNC when it carries fds, but not where
   * that last buffer begins. A second peek finds that out: it has room for one byte less than the
   * chunk, and an unmapped address behind. The kernel copies whole buffers while they fit and
   * leaves out the one that faults (unix_stream_read_generic). EFAULT means that the first buffer
   * is the chunk.
   */
  #beforeFds(limit: number): number {
    prepare(incomingAddress, limit);
    const count = recvmsgCall(this.fd, scratch, MSG_DONTWAIT | MSG_PEEK);
    // The read that follows deals with an end, an error or EAGAIN.
    if (count <= 0) return limit;
    if ((scratch.readInt32LE(48) & MSG_CTRUNC) === 0) return count;
    return this.#lengthOfWholeBuffers(count - 1) || count;
  }

  #lengthOfWholeBuffers(limit: number): number {
    prepare(incomingAddress, limit);
    scratch.writeBigUInt64LE(UNMAPPED, MSGHDR + IOVEC);
    scratch.writeBigUInt64LE(1n, MSGHDR + IOVEC + 8);
    scratch.writeBigUInt64LE(2n, 24);
    return Math.max(0, recvmsgCall(this.fd, scratch, MSG_DONTWAIT | MSG_PEEK));
  }
}

/** Point the msghdr at one buffer to read into or write from, without control messages. */
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
