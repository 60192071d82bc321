import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, closeFd } from "./epoll.ts";
import { EAGAIN, EINTR, Scratch, SHUT_WR, receive, send, shutdown } from "./stream-io.ts";
import { streamLoop } from "./stream-loop.ts";

/** What the owner of a stream is told. It may close the stream in any of them. */
export interface StreamOwner {
  /** Read once; told again while there is more. Not told while paused. */
  onReadable(): void;
  /** Everything that had to wait is with the kernel; behind `closeSoon` the stream is closed. */
  onDrained(): void;
  /** The peer has closed for good, and reading has been paused or has ended. Told once. */
  onGone(): void;
}

/** Bytes of the largest read: a D-Bus message with a body of 64 KiB is one. */
export const READ_SIZE = 128 * 1024;
/** Pieces up to this many bytes are gathered; larger ones are not worth a copy. */
const GATHER_LIMIT = 16 * 1024;

/** One read at a time in the whole thread: what is in here is used or copied before the next. */
const incoming = new Scratch(READ_SIZE);
/** What the corked stream is about to send. */
const gathered = new Scratch(READ_SIZE);
/** Everything else passes here on its way to the kernel. */
const outgoing = new Scratch(READ_SIZE);

let gatheredLength = 0;

/**
 * A connected stream socket without a node:net object: what is read is lent from one buffer
 * of the thread, what is written goes to the kernel at once, and only what the kernel does not
 * take is kept. Unlike in node:net, a peer that does not read any more leaves the reading half
 * as it is, and a peer that has closed for good is told from one that has only ended.
 */
export class PolledStream {
  /** Whose bytes are being gathered. */
  static #corked: PolledStream | undefined;

  readonly #fd: number;
  #owner: StreamOwner;
  #token: number | undefined;
  #interest = EPOLLIN;
  #reading = true;
  #ended = false;
  #gone = false;
  #toldGone = false;
  /** The peer reads no more. */
  #broken = false;
  #closed = false;
  /** `end` has been called. */
  #ending = false;
  #closesWhenDrained = false;
  #pending: Buffer | undefined;

  /**
   * @param fd non-blocking; owned by the stream from here on, and closed on failure
   * @throws SystemCallError ENOSPC, ENOMEM
   */
  constructor(fd: number, owner: StreamOwner) {
    this.#fd = fd;
    this.#owner = owner;
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

  /** The peer has ended its half and all of it has been read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The peer has closed: what is written reaches nobody. */
  get gone(): boolean {
    return this.#gone;
  }

  /** The kernel has not taken all that was written. */
  get stalled(): boolean {
    return this.#pending !== undefined;
  }

  /**
   * @returns what has arrived, on loan until the next read of any stream; undefined: nothing
   *          now, or the end, which `ended` tells
   */
  read(): Buffer | undefined {
    if (this.#ended || this.#closed) return undefined;
    const count = receive(this.#fd, incoming, READ_SIZE);
    if (count > 0) return incoming.bytes.subarray(0, count);
    if (count === EAGAIN || count === EINTR) return undefined;
    // 0, or reset by a peer that closed before it had read everything: nothing more comes.
    this.#ended = true;
    this.pause();
    return undefined;
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

  /** Gather what is written from here to `uncork` into one send; one stream at a time. */
  cork(): void {
    PolledStream.#corked?.uncork();
    PolledStream.#corked = this;
  }

  uncork(): void {
    if (PolledStream.#corked !== this) return;
    PolledStream.#corked = undefined;
    this.#sendGathered();
  }

  /** What the kernel does not take at once is copied and sent as soon as it can be. */
  write(bytes: Buffer): void {
    if (PolledStream.#corked !== this) {
      this.#send(bytes);
    } else if (bytes.length > GATHER_LIMIT) {
      this.#sendGathered();
      this.#send(bytes);
    } else {
      if (gatheredLength + bytes.length > READ_SIZE) this.#sendGathered();
      gatheredLength += bytes.copy(gathered.bytes, gatheredLength);
    }
  }

  /** As `write`; one byte per character (latin1). */
  writeText(text: string): void {
    if (PolledStream.#corked !== this || gatheredLength + text.length > READ_SIZE) {
      this.write(Buffer.from(text, "latin1"));
    } else {
      gatheredLength += gathered.bytes.write(text, gatheredLength, "latin1");
    }
  }

  /** Tell somebody else from here on: what comes next is another's business. */
  handTo(owner: StreamOwner): void {
    this.#owner = owner;
  }

  /** EOF behind what has been written. */
  end(): void {
    if (this.#ending || this.#closed) return;
    this.uncork();
    this.#ending = true;
    if (!this.stalled) shutdown(this.#fd, SHUT_WR);
  }

  /** Close when all that was written is with the kernel. */
  closeSoon(): void {
    this.uncork();
    this.#closesWhenDrained = true;
    this.pause();
    if (!this.stalled) this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pending = undefined;
    if (PolledStream.#corked === this) {
      PolledStream.#corked = undefined;
      gatheredLength = 0;
    }
    this.#unwatch();
    closeFd(this.#fd);
  }

  #onEvents(events: number): void {
    if ((events & (EPOLLHUP | EPOLLERR)) !== 0) this.#gone = true;
    if (this.#pending !== undefined) this.#sendPending(this.#pending);
    if (this.#reading && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) !== 0) {
      this.#owner.onReadable();
    }
    if (this.#gone && !this.#reading && !this.#closed) {
      // The hang-up would be told for ever.
      this.#unwatch();
      if (this.#toldGone) return;
      this.#toldGone = true;
      this.#owner.onGone();
    }
  }

  #sendGathered(): void {
    const length = gatheredLength;
    gatheredLength = 0;
    if (length > 0) this.#send(gathered.bytes.subarray(0, length));
  }

  #send(bytes: Buffer): void {
    if (this.#closed || this.#ending) return;
    if (this.#pending !== undefined) {
      this.#pending = Buffer.concat([this.#pending, bytes]);
      return;
    }
    const taken = this.#transmit(bytes);
    if (taken === bytes.length) return;
    this.#pending = Buffer.from(bytes.subarray(taken));
    this.#update();
  }

  #sendPending(pending: Buffer): void {
    const taken = this.#transmit(pending);
    if (taken < pending.length) {
      this.#pending = pending.subarray(taken);
      return;
    }
    this.#pending = undefined;
    this.#update();
    if (this.#closesWhenDrained) this.close();
    else if (this.#ending) shutdown(this.#fd, SHUT_WR);
    this.#owner.onDrained();
  }

  /** @returns how many bytes need not be sent again: all of them when nobody will read them */
  #transmit(bytes: Buffer): number {
    let taken = 0;
    while (taken < bytes.length && !this.#broken) {
      const sent = this.#transmitPart(bytes, taken);
      if (sent === EAGAIN) return taken;
      if (sent >= 0) taken += sent;
      else if (sent !== EINTR) this.#broken = true;
    }
    return bytes.length;
  }

  #transmitPart(bytes: Buffer, from: number): number {
    const { buffer } = bytes;
    // What came from a scratch goes out without another copy.
    if (buffer === incoming.bytes.buffer || buffer === gathered.bytes.buffer) {
      const scratch = buffer === incoming.bytes.buffer ? incoming : gathered;
      return send(this.#fd, scratch, bytes.byteOffset + from, bytes.length - from);
    }
    const count = bytes.copy(outgoing.bytes, 0, from);
    return send(this.#fd, outgoing, 0, count);
  }

  #update(): void {
    if (this.#closed) return;
    const interest = (this.#reading ? EPOLLIN : 0) | (this.#pending === undefined ? 0 : EPOLLOUT);
    if (interest === this.#interest) return;
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
  }
}
