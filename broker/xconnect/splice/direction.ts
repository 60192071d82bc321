import type { Pipe } from "../../linux/pipe.ts";
import {
  EAGAIN,
  EINTR,
  SHUT_RD,
  SHUT_WR,
  receive,
  send,
  shutdown,
  splice,
  writePipe,
} from "../../linux/stream-io.ts";
import type { Scratch } from "../../linux/stream-io.ts";
import { PIPE_SIZE } from "./pipe-pool.ts";
import type { PipePool } from "./pipe-pool.ts";
import type { SpliceCounters } from "./counters.ts";
import { count } from "./counters.ts";
import type { SpliceEnd } from "./end.ts";

/** What all sessions of a worker share. */
export interface SpliceMeans {
  readonly pipes: PipePool;
  /** At most 64 KiB, what the smallest pipe holds. */
  readonly scratch: Scratch;
  /** Quirk unix-corrupts. */
  readonly corrupts: boolean;
}

/** Pieces of this size and more are worth a pipe. */
const BULK = 32 * 1024;
/** Rounds before other sessions have their turn. */
const ROUNDS = 16;

/**
 * One direction of a session.
 *
 * Messages of a few KiB are copied through a buffer that all sessions share: two calls. What
 * fills it goes through a pipe by splice(2): no copy. What the sink does not take stays in the
 * pipe, which bounds what a direction holds; while it is full nothing is read, so the sender is
 * held back by its own socket.
 */
export class SpliceDirection {
  protected readonly source: SpliceEnd;
  protected readonly sink: SpliceEnd;
  protected readonly means: SpliceMeans;
  /** Bytes read and not yet written. */
  protected held = 0;
  #hasEnded = false;
  #isOver = false;
  #pipe: Pipe | undefined;
  #isBulk = false;
  readonly #counters: SpliceCounters;
  readonly #field: number;

  constructor(
    source: SpliceEnd,
    sink: SpliceEnd,
    means: SpliceMeans,
    counters: SpliceCounters,
    field: number,
  ) {
    this.source = source;
    this.sink = sink;
    this.means = means;
    this.#counters = counters;
    this.#field = field;
  }

  /** The source has ended, by EOF or by an error. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The source has ended and everything before is delivered: EOF can be passed on. */
  get isDrained(): boolean {
    return this.#hasEnded && this.held === 0;
  }

  /** Nobody is there to take what the source sends. */
  get isCutOff(): boolean {
    return this.sink.hungUp;
  }

  /** Nothing will flow any more, and both sides know. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Carry what there is and fits.
   * @returns true when it stopped for the others' sake
   */
  pump(): boolean {
    for (let round = 0; round < ROUNDS; round += 1) {
      if (this.#isOver || this.sink.hungUp) return false;
      let hasMoved = false;
      if (!this.#hasEnded && this.source.readable) hasMoved = this.take();
      if (this.held > 0 && this.sink.writable) hasMoved = this.give() || hasMoved;
      if (!hasMoved) return false;
    }
    return true;
  }

  /** Tell the sink that nothing follows. */
  passEnd(): void {
    shutdown(this.sink.fd, SHUT_WR);
    this.#isOver = true;
  }

  /** The sink takes nothing any more: let the source's writer have its EPIPE. */
  giveUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.letGo();
    shutdown(this.source.fd, SHUT_RD);
  }

  /** Forget what is held. */
  letGo(): void {
    if (this.#pipe !== undefined) this.means.pipes.giveBack(this.#pipe, this.held === 0);
    this.#pipe = undefined;
    this.held = 0;
  }

  /** @returns false when there was nothing to read, or no room for it */
  protected take(): boolean {
    if (this.#pipe === undefined && !this.#isBulk && this.sink.writable) return this.#copy();
    this.#pipe ??= this.means.pipes.take();
    const size = splice(this.source.fd, this.#pipe.write, PIPE_SIZE);
    if (size > 0) {
      this.#isBulk = size >= BULK || this.held > 0;
      this.held += size;
      this.counted(size);
      return true;
    }
    // With bytes in the pipe it may be the pipe that has no room: the source stays readable.
    if (size !== EAGAIN || this.held === 0) this.nothingRead(size);
    if (this.held === 0) this.letGo();
    return false;
  }

  /** @returns false when the sink took nothing */
  protected give(): boolean {
    if (this.#pipe === undefined) return false;
    const size = splice(this.#pipe.read, this.sink.fd, this.held);
    if (size <= 0) return this.refused(size);
    this.held -= size;
    if (this.held === 0) this.letGo();
    return true;
  }

  protected counted(size: number): void {
    count(this.#counters, this.#field, size);
  }

  protected nothingRead(result: number): void {
    if (result === EAGAIN) this.source.readable = false;
    else if (result !== EINTR) this.#hasEnded = true;
  }

  /** The sink has failed, or has no room. */
  protected refused(result: number): false {
    if (result === EAGAIN) this.sink.block();
    else if (result !== EINTR) this.giveUp();
    return false;
  }

  #copy(): boolean {
    const { scratch, corrupts } = this.means;
    const { bytes } = scratch;
    const size = receive(this.source.fd, scratch, bytes.length);
    if (size <= 0) {
      this.nothingRead(size);
      return false;
    }
    this.counted(size);
    if (size === bytes.length) this.#isBulk = !corrupts;
    // A short read has emptied the socket; what comes later is told.
    else if (!this.source.hasMore) this.source.readable = false;
    if (corrupts) bytes[0] = ((bytes[0] ?? 0) + 1) & 0xff;
    const sent = send(this.sink.fd, scratch, 0, size);
    if (sent === size) return true;
    if (sent < 0 && sent !== EAGAIN && sent !== EINTR) return this.refused(sent);
    this.#keep(Math.max(0, sent), size);
    this.sink.block();
    return true;
  }

  /** The rest of the scratch goes into an empty pipe, which has room for all of it. */
  #keep(from: number, to: number): void {
    this.#pipe = this.means.pipes.take();
    const written = writePipe(this.#pipe.write, this.means.scratch, from, to - from);
    if (written !== to - from) throw new Error(`a pipe took ${written} of ${to - from} bytes`);
    this.held = written;
  }
}
