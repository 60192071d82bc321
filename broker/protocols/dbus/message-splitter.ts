import { MAX_EXAMINED_BYTES } from "./limits.ts";
import { MalformedMessage } from "./malformed-message.ts";
import { FIXED_BYTES, headerLength, parseHeader } from "./message-header.ts";
import type { MessageHeader } from "./message-header.ts";

const NONE: Buffer = Buffer.alloc(0);

/**
 * Cuts one direction of a connection into messages, without copying and without waiting for
 * bodies: a message that has only partly arrived is given in parts, its header complete in the
 * first. After `advance()` the part is `bytes[start..end)`.
 *
 * Only what is incomplete at the end of a chunk is kept: less than a header, or less than a
 * message whose body is wanted.
 */
export class MessageSplitter {
  bytes = NONE;
  start = 0;
  end = 0;
  /** Of the message that begins at `start`; undefined for a later part of the one before. */
  header: MessageHeader | undefined;
  readonly #wantsBody: (header: MessageHeader) => boolean;
  /** For what is kept; `#kept` is `bytes` when that is a part of it, from `#keptFrom` on. */
  #room = NONE;
  #kept: Buffer | undefined;
  #keptFrom = 0;
  /** Bytes of the current message that are still to come behind `end`. */
  #missing = 0;
  /** Parsed, and waiting for its body. */
  #held: MessageHeader | undefined;

  /** @param wantsBody whether the message is to be given whole */
  constructor(wantsBody: (header: MessageHeader) => boolean) {
    this.#wantsBody = wantsBody;
  }

  /** True between the parts of a message. */
  get inMessage(): boolean {
    return this.#missing > 0;
  }

  /** Whether there are bytes that `advance()` has not come to. */
  get isBehind(): boolean {
    return this.end < this.bytes.length;
  }

  /** @param chunk on loan until `keep` */
  push(chunk: Buffer): void {
    if (this.isBehind) {
      this.#append(chunk);
      return;
    }
    this.#look(chunk);
    this.#room = NONE;
    this.#kept = undefined;
  }

  /** The last chunk is needed by others: what is left of it is copied. */
  keep(): void {
    if (this.isBehind && this.bytes !== this.#kept) this.#append(NONE);
  }

  /**
   * Go on to the next part.
   * @returns false when more has to be pushed
   * @throws MalformedMessage
   */
  advance(): boolean {
    const available = this.bytes.length - this.end;
    if (this.#missing > 0) {
      if (available === 0) return false;
      this.header = undefined;
      this.#take(Math.min(available, this.#missing), this.#missing);
      return true;
    }
    const header = this.#held ?? this.#nextHeader(available);
    if (header === undefined) return false;
    if (header.size > available && this.#mustBeWhole(header)) {
      this.#held = header;
      return false;
    }
    this.#held = undefined;
    this.header = header;
    this.#take(Math.min(available, header.size), header.size);
    return true;
  }

  /** Forget everything that has been pushed. */
  discard(): void {
    this.end = this.bytes.length;
    this.#missing = 0;
    this.#held = undefined;
  }

  /** Room is doubled, so that a message that comes byte by byte is not copied for each. */
  #append(chunk: Buffer): void {
    const rest = this.bytes.subarray(this.end);
    const length = rest.length + chunk.length;
    const from = this.bytes === this.#kept ? this.#keptFrom + this.end : this.#room.length;
    if (from + length > this.#room.length) {
      this.#room = Buffer.allocUnsafe(2 * length);
      rest.copy(this.#room);
      this.#keptFrom = 0;
    } else {
      this.#keptFrom = from;
    }
    chunk.copy(this.#room, this.#keptFrom + rest.length);
    this.#kept = this.#room.subarray(this.#keptFrom, this.#keptFrom + length);
    this.#look(this.#kept);
  }

  #look(bytes: Buffer): void {
    this.bytes = bytes;
    this.start = 0;
    this.end = 0;
  }

  #nextHeader(available: number): MessageHeader | undefined {
    if (available < FIXED_BYTES) return undefined;
    if (available < headerLength(this.bytes, this.end)) return undefined;
    return parseHeader(this.bytes, this.end);
  }

  #mustBeWhole(header: MessageHeader): boolean {
    if (!this.#wantsBody(header)) return false;
    if (header.size > MAX_EXAMINED_BYTES) {
      throw new MalformedMessage(`a message to or from the bus of ${header.size} bytes`);
    }
    return true;
  }

  #take(taken: number, wanted: number): void {
    this.start = this.end;
    this.end += taken;
    this.#missing = wanted - taken;
  }
}
