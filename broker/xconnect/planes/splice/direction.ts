import type { Pipe } from "../../../shared/linux/pipe.ts";
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
} from "../../../shared/linux/stream-io.ts";
import type { Scratch } from "../../../shared/linux/stream-io.ts";
import { PIPE_SIZE } from "./pipe-pool.ts";
import type { PipePool } from "./pipe-pool.ts";
import type { SpliceCounters } from "./counters.ts";
import { count } from "./counters.ts";
import type { SessionSocket } from "./session-socket.ts";

/** Resources that all sessions of a worker share. */
export interface SpliceMeans {
  readonly pipes: PipePool;
  /** Copy buffer of at most 64 KiB, so that the smallest pipe can hold its content. */
  readonly scratch: Scratch;
  /** True when the first byte of each copied piece is changed, which only a quirk wants. */
  readonly corrupts: boolean;
}

/** Bytes from which on a piece is worth a pipe. */
const BULK = 32 * 1024;
/** Rounds of a session before others get their turn. */
const ROUNDS = 16;

/**
 * One direction of a session.
 *
 * Small pieces are copied through a buffer that all sessions share, with two system calls. Pieces
 * that fill the buffer go through a pipe by splice(2), without a copy. Bytes that the sink does not
 * take stay in the pipe, which bounds them: while it is full nothing is read, and the sender's own
 * socket fills.
 */
export class SpliceDirection {
  protected readonly source: SessionSocket;
  protected readonly sink: SessionSocket;
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
    source: SessionSocket,
    sink: SessionSocket,
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

  /** True when the source has ended, by EOF or by an error. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** True when the source has ended and all its bytes are delivered: EOF can be passed on. */
  get isDrained(): boolean {
    return this.#hasEnded && this.held === 0;
  }

  /** True when the sink's peer has gone: the source's bytes reach nobody. */
  get isCutOff(): boolean {
    return this.sink.hungUp;
  }

  /** True when no byte will flow any more and both sides have been told. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Carry bytes until the source has none or the sink takes none.
   * @returns true when it stopped so that other sessions get their turn
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

  /** Pass the source's EOF on to the sink. */
  passEnd(): void {
    shutdown(this.sink.fd, SHUT_WR);
    this.#isOver = true;
  }

  /** Stop because the sink takes no more: the source's next write fails with EPIPE. */
  giveUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.letGo();
    shutdown(this.source.fd, SHUT_RD);
  }

  /** Drop the held bytes. */
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
    // EAGAIN may mean that the pipe is full: with bytes in it, the source may still be readable.
    if (size !== EAGAIN || this.held === 0) this.onNothingRead(size);
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

  protected onNothingRead(result: number): void {
    if (result === EAGAIN) this.source.readable = false;
    else if (result !== EINTR) this.#hasEnded = true;
  }

  /** The sink has no room, or has failed. */
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
      this.onNothingRead(size);
      return false;
    }
    this.counted(size);
    if (size === bytes.length) this.#isBulk = !corrupts;
    // A short read has emptied the socket; an event reports later bytes.
    else if (!this.source.hasMore) this.source.readable = false;
    if (corrupts) bytes[0] = ((bytes[0] ?? 0) + 1) & 0xff;
    const sent = send(this.sink.fd, scratch, 0, size);
    if (sent === size) return true;
    if (sent < 0 && sent !== EAGAIN && sent !== EINTR) return this.refused(sent);
    this.#keep(Math.max(0, sent), size);
    this.sink.block();
    return true;
  }

  /** Put the rest of the scratch into an empty pipe, which has room for all of it. */
  #keep(from: number, to: number): void {
    this.#pipe = this.means.pipes.take();
    const written = writePipe(this.#pipe.write, this.means.scratch, from, to - from);
    if (written !== to - from) throw new Error(`a pipe took ${written} of ${to - from} bytes`);
    this.held = written;
  }
}
