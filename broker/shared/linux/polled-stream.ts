import { close } from "node:fs";
import { MAX_FDS } from "./control-message.ts";
import { receiveWithFds, sendWithFds } from "./descriptor-io.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, closeFd } from "./epoll.ts";
import { WriteBatch, arena } from "./write-batch.ts";
import {
  EAGAIN,
  ECONNRESET,
  EINTR,
  EPIPE,
  Scratch,
  SHUT_WR,
  receive,
  send,
  shutdown,
} from "./stream-io.ts";
import { streamLoop } from "./stream-loop.ts";

/** Callbacks to the owner of a stream, which may close the stream in any of them. */
export interface StreamOwner {
  /** Bytes can be read: read once, the call is repeated while there are more. Not while paused. */
  onReadable(): void;
  /** The kernel has taken all bytes that had to wait. After `closeSoon` the stream is closed. */
  onDrained(): void;
  /** The peer has closed for good, while reading is paused or has ended. Called once. */
  onGone(): void;
}

/** Descriptors that are sent with the first byte of a write. */
export interface AttachedFds {
  readonly fds: readonly number[];
  /** Called when the kernel has them, or when they will not be sent. */
  close(): void;
}

/** Bytes of one write that the kernel has not taken. */
interface Segment {
  bytes: Buffer;
  readonly attached: AttachedFds | undefined;
}

const PEER_GONE: readonly number[] = [EPIPE, ECONNRESET];

/** Bytes of the largest read: one read takes a D-Bus message with a body of 64 KiB. */
export const READ_SIZE = 128 * 1024;

const NOTHING = Buffer.alloc(0);

/** Memory that all streams read into: bytes in it are used or copied before the next read. */
const incoming = new Scratch(READ_SIZE);
/** Memory that bytes from anywhere else are copied to before they are sent. */
const outgoing = new Scratch(READ_SIZE);

/**
 * A connected stream socket without a node:net object. Reads lend bytes of one buffer of the
 * thread. Writes go to the kernel at once, or at the end of `batchWrites`; only bytes that the
 * kernel does not take are kept. Unlike node:net, it goes on reading from a peer that has stopped
 * reading, and it tells a peer that has closed from one that has only ended its half.
 */
export class PolledStream {
  readonly #fd: number;
  #owner: StreamOwner;
  #token: number | undefined;
  #interest = EPOLLIN;
  #reading = true;
  #ended = false;
  #gone = false;
  #toldGone = false;
  /** True once a send has failed: the peer reads no more. */
  #broken = false;
  #failed = false;
  #closed = false;
  /** True once `end` has been called. */
  #ending = false;
  #closesWhenDrained = false;
  readonly #batch = new WriteBatch((from, to) => this.#sendBatch(from, to));
  readonly #pending: Segment[] = [];
  readonly #receivesFds: boolean;
  #received: number[] = [];
  #hasLostFds = false;

  /**
   * @param fd non-blocking; owned by the stream from here on, and closed on failure
   * @param options.receivesFds receive descriptors; the kernel discards them otherwise
   * @throws SystemCallError ENOSPC, ENOMEM
   */
  constructor(fd: number, owner: StreamOwner, { receivesFds = false } = {}) {
    this.#fd = fd;
    this.#owner = owner;
    this.#receivesFds = receivesFds;
    try {
      this.#watch();
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** True when the peer has ended its half and all of it has been read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True when the peer has closed: writes do not reach it any more. */
  get gone(): boolean {
    return this.#gone;
  }

  /** True while the kernel has not taken all bytes that were written. */
  get stalled(): boolean {
    return this.#pending.length > 0;
  }

  /** True when a send failed for another reason than that the peer has gone. */
  get failed(): boolean {
    return this.#failed;
  }

  /** True when descriptors were lost: over MAX_FDS were not taken, or the process had no room. */
  get hasLostFds(): boolean {
    return this.#hasLostFds;
  }

  /**
   * @param most bytes to read; what is left makes the stream readable again
   * @param before bytes that are put in front of them; together they are READ_SIZE at most
   * @returns bytes that have arrived, on loan until the next read of any stream; undefined when
   *          there are none now, or at the end (see `ended`)
   */
  read(most = READ_SIZE, before: Buffer = NOTHING): Buffer | undefined {
    if (this.#ended || this.#closed) return undefined;
    const at = before.length;
    if (at > 0) before.copy(incoming.bytes);
    const count = this.#receivesFds
      ? this.#receiveWithFds(most, at)
      : receive(this.#fd, incoming, most, at);
    if (count > 0) return incoming.bytes.subarray(0, at + count);
    if (count === EAGAIN || count === EINTR) return undefined;
    // 0 or ECONNRESET (the peer closed before it had read everything): no more bytes come.
    this.#ended = true;
    this.pause();
    return undefined;
  }

  /** Descriptors that have come since the last call, in order; the caller closes them. */
  takeFds(): readonly number[] {
    const fds = this.#received;
    if (fds.length > 0) this.#received = [];
    return fds;
  }

  pause(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.#update();
  }

  resume(): void {
    if (this.#ended || this.#reading) return;
    this.#reading = true;
    this.#update();
  }

  /** Bytes that the kernel does not take are copied, and sent as soon as it takes more. */
  write(bytes: Buffer, attached?: AttachedFds): void {
    if (attached !== undefined) this.#batch.send();
    else if (this.#batch.add(bytes)) return;
    this.#send(bytes, attached);
  }

  /** As `write`, for text with one byte per character (latin1). */
  writeText(text: string): void {
    if (!this.#batch.addText(text)) this.#send(Buffer.from(text, "latin1"));
  }

  /** Send further callbacks to another owner. */
  handTo(owner: StreamOwner): void {
    this.#owner = owner;
  }

  /** Send an EOF behind all bytes that were written. */
  end(): void {
    if (this.#ending || this.#closed) return;
    this.#batch.send();
    this.#ending = true;
    if (!this.stalled) shutdown(this.#fd, SHUT_WR);
  }

  /** Close once the kernel has all bytes that were written. */
  closeSoon(): void {
    this.#batch.send();
    if (!this.stalled) {
      this.close();
      return;
    }
    this.#closesWhenDrained = true;
    this.pause();
  }

  close(): void {
    if (this.#closed) return;
    this.#batch.send();
    this.#closed = true;
    for (const { attached } of this.#pending.splice(0)) attached?.close();
    discard(this.takeFds());
    this.#unwatch();
    closeFd(this.#fd);
  }

  #onEvents(events: number): void {
    if ((events & (EPOLLHUP | EPOLLERR)) !== 0) this.#gone = true;
    if (this.stalled) this.#sendPending();
    if (this.#reading && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) !== 0) {
      this.#owner.onReadable();
    }
    if (this.#gone && !this.#reading && !this.#closed) {
      // Level-triggered epoll would report the hang-up for ever.
      this.#unwatch();
      if (this.#toldGone) return;
      this.#toldGone = true;
      this.#owner.onGone();
    }
  }

  /** Runs at the end of any stream's event, so a failure is noted here and not thrown. */
  #sendBatch(from: number, to: number): void {
    const isReady = !this.#closed && !this.#ending && !this.stalled && !this.#broken;
    const sent = isReady ? send(this.#fd, arena, from, to - from) : 0;
    if (sent === to - from) return;
    try {
      this.#send(arena.bytes.subarray(from + Math.max(sent, 0), to));
    } catch {
      this.#broken = this.#failed = true;
    }
  }

  #receiveWithFds(most: number, at: number): number {
    const { count, fds, isCut } = receiveWithFds(this.#fd, incoming, most, at);
    const hasRoom = this.#received.length + fds.length <= MAX_FDS;
    if (hasRoom) this.#received.push(...fds);
    else discard(fds);
    if (isCut || !hasRoom) this.#hasLostFds = true;
    return count;
  }

  #send(bytes: Buffer, attached?: AttachedFds): void {
    if (this.#closed || this.#ending) {
      attached?.close();
      return;
    }
    const taken = this.stalled ? 0 : this.#transmit(bytes, attached);
    if (taken === bytes.length) return;
    const last = this.#pending.at(-1);
    // Join small writes: there may be any number of them while a peer reads nothing.
    if (last !== undefined && attached === undefined && last.bytes.length < READ_SIZE) {
      last.bytes = Buffer.concat([last.bytes, bytes]);
      return;
    }
    const rest = Buffer.from(bytes.subarray(taken));
    this.#pending.push({ bytes: rest, attached: taken === 0 ? attached : undefined });
    this.#update();
  }

  #sendPending(): void {
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      const { bytes, attached } = first;
      const taken = this.#transmit(bytes, attached);
      if (taken < bytes.length) {
        if (taken > 0) this.#pending[0] = { bytes: bytes.subarray(taken), attached: undefined };
        return;
      }
      this.#pending.shift();
    }
    this.#update();
    if (this.#closesWhenDrained) this.close();
    else if (this.#ending) shutdown(this.#fd, SHUT_WR);
    this.#owner.onDrained();
  }

  /** @returns how many bytes are done with: those sent, or all of them when the peer is broken */
  #transmit(bytes: Buffer, attached: AttachedFds | undefined): number {
    let taken = 0;
    while (taken < bytes.length && !this.#broken) {
      const sent = this.#transmitPart(bytes, taken, taken === 0 ? attached : undefined);
      if (sent === EAGAIN) return taken;
      if (sent >= 0) {
        if (taken === 0) attached?.close();
        taken += sent;
      } else if (sent !== EINTR) {
        this.#broken = true;
        this.#failed = !PEER_GONE.includes(sent);
      }
    }
    if (taken === 0) attached?.close();
    return bytes.length;
  }

  #transmitPart(bytes: Buffer, from: number, attached: AttachedFds | undefined): number {
    const { buffer } = bytes;
    // Send bytes that lie in a scratch without another copy.
    if (buffer === incoming.bytes.buffer || buffer === arena.bytes.buffer) {
      const scratch = buffer === incoming.bytes.buffer ? incoming : arena;
      return this.#sendFrom(scratch, bytes.byteOffset + from, bytes.length - from, attached);
    }
    const count = bytes.copy(outgoing.bytes, 0, from);
    return this.#sendFrom(outgoing, 0, count, attached);
  }

  #sendFrom(
    scratch: Scratch,
    from: number,
    count: number,
    attached: AttachedFds | undefined,
  ): number {
    return attached === undefined
      ? send(this.#fd, scratch, from, count)
      : sendWithFds(this.#fd, { scratch, from, count }, attached.fds);
  }

  #update(): void {
    if (this.#closed) return;
    const interest = (this.#reading ? EPOLLIN : 0) | (this.stalled ? EPOLLOUT : 0);
    if (interest === this.#interest) return;
    // epoll reports the hang-up whatever the interest, and #onEvents then ends the watch.
    if (interest === 0 && this.#gone && this.#token !== undefined) return;
    this.#interest = interest;
    if (this.#token !== undefined) streamLoop().modify(this.#fd, interest, this.#token);
    else if (interest !== 0) this.#watch();
  }

  #watch(): void {
    this.#token = streamLoop().add(this.#fd, this.#interest, (events) => this.#onEvents(events));
  }

  #unwatch(): void {
    if (this.#token !== undefined) streamLoop().remove(this.#fd, this.#token);
    this.#token = undefined;
    this.#interest = 0;
  }
}

/** Pass on the end of a stream whose bytes have all been dealt with. */
export function passEnd(from: PolledStream, to: PolledStream): void {
  if (!from.gone && !to.ended) {
    to.end();
    return;
  }
  // The side that ended reads no more, or both sides have ended.
  from.closeSoon();
  to.closeSoon();
}

/** Close without waiting: closing a container's descriptor can take as long as it likes. */
function discard(fds: readonly number[]): void {
  for (const fd of fds) close(fd, () => undefined);
}
