import {
  EVENT_SIZE,
  LARGEST_CODE,
  codeAt,
  isDropped,
  isReport,
  typeAt,
  valueAt,
} from "./input-event.ts";
import { ABS_MT_SLOT, MAX_SLOTS, isMultiTouch } from "./multi-touch.ts";

/**
 * Most events of a frame. A state of everything that a device can have is one frame of 4,900 events.
 */
export const MAX_FRAME_EVENTS = 8192;

/** Bytes that are no input events, or a frame without end. */
export class MalformedEvents extends Error {
  override readonly name = "MalformedEvents";
}

/** Whole frames that follow each other. */
export interface Run {
  /**
   * `frames`: what has happened. `dropped`: the sender has lost events, and a frame with its state
   * comes next; the run has no bytes. `state`: that frame.
   */
  readonly kind: "frames" | "dropped" | "state";
  readonly bytes: Buffer;
}

const NOTHING = Buffer.alloc(0);

/**
 * Cuts a stream of bytes into whole frames, each ended by SYN_REPORT. A frame that holds a
 * SYN_DROPPED is incomplete: a reader ignores all of it and takes the next one for the whole state
 * (Linux, input/event-codes.rst; a node's reader asks for the state by ioctl instead).
 */
export class FrameReader {
  /** Bytes of a frame whose end has not come. */
  #held = NOTHING;
  #length = 0;
  /** Bytes among them that have been looked at: a multiple of an event's size. */
  #seen = 0;
  #hasDropped = false;
  #expectsState = false;

  /** True while part of a frame is held. */
  get isInFrame(): boolean {
    return this.#length > 0;
  }

  /**
   * @returns the whole frames, in order, valid until the next call and as long as `bytes` is
   * @throws MalformedEvents
   */
  push(bytes: Buffer): Run[] {
    const all = this.#join(bytes);
    const runs: Run[] = [];
    // [done, start) are whole frames for the next run; the frame under way begins at `start`.
    let [done, start, at] = [0, 0, this.#seen];
    const flush = (to: number) => {
      if (to > done) runs.push({ kind: "frames", bytes: all.subarray(done, to) });
    };
    for (; at + EVENT_SIZE <= all.length; at += EVENT_SIZE) {
      check(all, at);
      const end = at + EVENT_SIZE;
      if (end - start > MAX_FRAME_EVENTS * EVENT_SIZE) {
        throw new MalformedEvents(`a frame of more than ${MAX_FRAME_EVENTS} events`);
      }
      if (isDropped(all, at)) this.#hasDropped = true;
      if (!isReport(all, at)) continue;
      if (this.#hasDropped || this.#expectsState) {
        flush(start);
        runs.push(
          this.#hasDropped
            ? { kind: "dropped", bytes: NOTHING }
            : { kind: "state", bytes: all.subarray(start, end) },
        );
        this.#expectsState = this.#hasDropped;
        this.#hasDropped = false;
        done = end;
      }
      start = end;
    }
    flush(start);
    this.#hold(all, start);
    this.#seen = at - start;
    return runs;
  }

  #join(bytes: Buffer): Buffer {
    if (this.#length === 0) return bytes;
    const length = this.#length + bytes.length;
    if (length > this.#held.length) {
      // Twice as much: a frame that comes byte by byte must not be copied with each of them.
      const larger = Buffer.allocUnsafe(2 * length);
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#length);
    return this.#held.subarray(0, length);
  }

  #hold(all: Buffer, start: number): void {
    const isHeld = this.#length > 0;
    this.#length = all.length - start;
    if (isHeld && start === 0) return;
    // A copy: the caller reads the frames in `all`, and may reuse its memory afterwards.
    this.#held = this.#length === 0 ? NOTHING : Buffer.from(all.subarray(start));
  }
}

function check(events: Buffer, at: number): void {
  const [type, code] = [typeAt(events, at), codeAt(events, at)];
  const largest = LARGEST_CODE.get(type);
  if (largest === undefined || code > largest) {
    throw new MalformedEvents(`an event of type ${type} and code ${code}`);
  }
  if (code !== ABS_MT_SLOT || !isMultiTouch(type, code)) return;
  const slot = valueAt(events, at);
  if (slot < 0 || slot >= MAX_SLOTS) throw new MalformedEvents(`multi-touch slot ${slot}`);
}
