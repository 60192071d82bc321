import { PolledStream } from "../../../shared/linux/polled-stream.ts";
import type { StreamOwner } from "../../../shared/linux/polled-stream.ts";
import { SHUT_RD, shutdown } from "../../../shared/linux/stream-io.ts";
import type { DeviceState } from "../../../shared/protocols/input/device-state.ts";
import type { EventFilter } from "../../../shared/protocols/input/event-filter.ts";
import {
  DROPPED_FRAME,
  REPORT,
  encodeEvents,
} from "../../../shared/protocols/input/input-event.ts";
import type { EventReader } from "./input-source.ts";

/**
 * Bytes that wait in the broker for a reader whose socket is full, before its events are dropped:
 * 2,700 events, besides those in the socket. What comes with one read, or one state, may be over it.
 */
const MAX_WAITING = 64 * 1024;

export interface StreamReaderOptions {
  readonly filter: EventFilter;
  readonly count: (counter: "bytesToConsumer" | "overflows", by: number) => void;
  /** Called once, when the connection is closed. */
  readonly onClosed: (why: Error | undefined) => void;
}

/**
 * A consumer's connection, one way: its own writes fail with EPIPE.
 *
 *     begin ──▶ in step ──too much waits──▶ behind ──the socket is empty──▶ in step
 *     state      frames                      nothing                         SYN_DROPPED, state
 */
export class StreamReader implements EventReader, StreamOwner {
  readonly #options: StreamReaderOptions;
  readonly #stream: PolledStream;
  #state: DeviceState | undefined;
  /** Bytes that wait in the broker at most. */
  #waiting = 0;
  /** The state that the consumer knows, while it is behind. */
  #told: DeviceState | undefined;
  #hasEnded = false;
  #why: Error | undefined;
  #isFinished = false;

  /** @param fd owned by the reader from now on */
  constructor(fd: number, options: StreamReaderOptions) {
    this.#options = options;
    shutdown(fd, SHUT_RD);
    this.#stream = new PolledStream(fd, this);
    this.#stream.pause();
  }

  begin(state: DeviceState): void {
    this.#state = state;
    this.#tell(undefined);
  }

  take(frames: Buffer): void {
    const state = this.#state;
    if (state === undefined || this.#told !== undefined) return;
    const passed = this.#options.filter.pass(frames);
    if (passed.length === 0) return;
    if (this.#hasRoomFor(passed.length)) this.#write(passed);
    else this.#fallBehind(state.copy());
  }

  resynchronise(told: DeviceState): void {
    // While it is behind, what it was told is older.
    if (this.#told !== undefined) return;
    if (!this.#hasRoomFor(0)) {
      this.#fallBehind(told);
      return;
    }
    this.#write(encodeEvents(DROPPED_FRAME, this.#state?.time));
    this.#tell(told);
  }

  end(why: Error | undefined): void {
    this.#hasEnded = true;
    this.#why = why;
    this.#stream.closeSoon();
    this.#finishIfClosed();
  }

  /** Close now: what waits is not sent. */
  close(): void {
    this.#stream.close();
    this.#finishIfClosed();
  }

  onReadable(): void {
    // Nothing is read.
  }

  onDrained(): void {
    this.#waiting = 0;
    const told = this.#told;
    this.#told = undefined;
    if (!this.#hasEnded && told !== undefined) this.resynchronise(told);
    this.#finishIfClosed();
  }

  onGone(): void {
    this.close();
  }

  #hasRoomFor(size: number): boolean {
    return !this.#stream.stalled || this.#waiting + size <= MAX_WAITING;
  }

  #fallBehind(told: DeviceState): void {
    this.#told = told;
    this.#options.count("overflows", 1);
  }

  /** Send the state as a frame, a bare SYN_REPORT where there is nothing to tell. */
  #tell(told: DeviceState | undefined): void {
    const frame = encodeEvents(this.#state?.frame(told) ?? [], this.#state?.time);
    const passed = this.#options.filter.pass(frame);
    this.#write(passed.length > 0 ? passed : encodeEvents([REPORT], this.#state?.time));
  }

  #write(bytes: Buffer): void {
    this.#stream.write(bytes);
    this.#waiting = this.#stream.stalled ? this.#waiting + bytes.length : 0;
    this.#options.count("bytesToConsumer", bytes.length);
  }

  #finishIfClosed(): void {
    if (!this.#stream.closed || this.#isFinished) return;
    this.#isFinished = true;
    this.#options.onClosed(this.#why);
  }
}
