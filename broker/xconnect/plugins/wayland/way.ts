import { wireBytes } from "../../../shared/protocols/wayland/arguments.ts";
import type { WireBytes } from "../../../shared/protocols/wayland/arguments.ts";
import { IMPLEMENTATION } from "../../../shared/protocols/wayland/display-error.ts";
import type { Message } from "../../../shared/protocols/wayland/interfaces.ts";
import { MAX_MESSAGE } from "../../../shared/protocols/wayland/limits.ts";
import { refusedAmong } from "../../planes/foreign-fds.ts";
import type { ForeignFd } from "../../planes/foreign-fds.ts";
import { Fault } from "./fault.ts";
import { fdTypesOf } from "./fd-rules.ts";

/** Most fds that have come and that no message has claimed: two of libwayland's full sends. */
export const MAX_UNCLAIMED = 64;

const HEADER = 8;

export interface WayOptions {
  /** Offset of the first message from `at` on that has to be judged; those before it pass. */
  readonly skip: (bytes: WireBytes, at: number) => number;
  /**
   * Judge the message of `size` bytes at `at`.
   * @returns undefined when it is dropped
   * @throws Fault
   */
  readonly judge: (bytes: WireBytes, at: number, size: number) => Message | undefined;
  /**
   * Send whole messages on.
   * @param bytes bytes on loan
   * @param fds fds of the first of the messages, owned by the callee from here on
   */
  readonly pass: (bytes: Buffer, fds: readonly ForeignFd[]) => void;
}

/**
 * One direction of a session: cuts bytes into messages, gives each the fds that it claims, and
 * sends on what passes. Neighbouring messages without fds leave as one piece, and nothing is
 * allocated for a message without strings, new objects and fds.
 *
 * An fd comes with or ahead of the bytes of its message (libwayland sends it with the first byte
 * that it flushes), and belongs to the next message that claims one. Only whole messages leave.
 */
export class WaylandWay {
  readonly #options: WayOptions;
  readonly #fds: ForeignFd[] = [];
  /** The first bytes of a message whose others have not come. */
  #rest: Buffer = NOTHING;

  constructor(options: WayOptions) {
    this.#options = options;
  }

  /** The first bytes of a message whose others have not come, which belong in front of the next. */
  get rest(): Buffer {
    return this.#rest;
  }

  /**
   * Judge all messages that are complete.
   *
   * @param chunk `rest` and the bytes behind it, on loan; they are changed in place
   * @param fds fds that came with them, owned from here on
   * @throws Fault; the messages before the faulty one have been passed
   */
  take(chunk: Buffer, fds: readonly ForeignFd[]): void {
    this.#fds.push(...fds);
    this.#judgeAll(chunk);
    if (this.#fds.length > MAX_UNCLAIMED) {
      throw new Fault(`${this.#fds.length} fds without a message`, IMPLEMENTATION);
    }
  }

  /** @returns the fds that no message has claimed; the caller closes them */
  takeUnclaimed(): ForeignFd[] {
    return this.#fds.splice(0);
  }

  /** Forget the message that is half there. */
  forget(): void {
    this.#rest = NOTHING;
  }

  #judgeAll(chunk: Buffer): void {
    const { skip, judge, pass } = this.#options;
    const bytes = wireBytes(chunk);
    const end = chunk.length;
    /** Offset of the first passing message that has not left. */
    let from = 0;
    let at = 0;
    this.#rest = NOTHING;
    try {
      for (;;) {
        at = skip(bytes, at);
        if (end - at < HEADER) break;
        const size = sizeAt(bytes.view, at);
        if (end - at < size) break;
        const message = judge(bytes, at, size);
        const next = at + size;
        if (message === undefined || message.fds > 0) {
          if (from < at) pass(chunk.subarray(from, at), NO_FDS);
          from = at = next;
          if (message !== undefined) pass(chunk.subarray(next - size, next), this.#claim(message));
        } else {
          at = next;
        }
      }
    } finally {
      // Messages before a faulty one still pass, so that the result does not depend on how the
      // stream is cut into chunks.
      if (from < at) pass(chunk.subarray(from, at), NO_FDS);
    }
    if (at < end) this.#rest = Buffer.from(chunk.subarray(at));
  }

  /** @throws Fault when fds are missing, or one is of a type that the message may not carry */
  #claim({ name, fds: count }: Message): readonly ForeignFd[] {
    if (this.#fds.length < count) throw new Fault(`${name} without its file descriptor`);
    const refused = refusedAmong(this.#fds.slice(0, count), fdTypesOf(name));
    if (refused !== undefined) throw new Fault(`${name} with an fd that may not pass (${refused})`);
    return this.#fds.splice(0, count);
  }
}

const NOTHING = Buffer.alloc(0);
const NO_FDS: readonly ForeignFd[] = [];

/**
 * Size of the message at an offset, from its header.
 * @throws Fault for one that no message has
 */
function sizeAt(view: DataView, at: number): number {
  const size = view.getUint16(at + 6, true);
  if (size < HEADER || size % 4 !== 0) throw new Fault(`a message of ${size} bytes`);
  if (size > MAX_MESSAGE) throw new Fault(`a message of ${size} bytes, more than ${MAX_MESSAGE}`);
  return size;
}
