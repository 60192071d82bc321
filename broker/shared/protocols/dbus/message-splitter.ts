import { MAX_EXAMINED_BYTES } from "./limits.ts";
import { MalformedMessage } from "./malformed-message.ts";
import { FIXED_BYTES, headerLength, parseHeader } from "./message-header.ts";
import type { MessageHeader } from "./message-header.ts";

const NO_BYTES: Buffer = Buffer.alloc(0);

/**
 * Cuts one direction of a connection into messages, without copying and without waiting for
 * bodies: a message that has only partly arrived is given in parts, its header complete in the
 * first. After `advance()` the part is `bytes[start..end)`.
 *
 * Only an incomplete end of a chunk is kept: a part of a header, or of a message whose body is
 * wanted.
 */
export class MessageSplitter {
  bytes = NO_BYTES;
  start = 0;
  end = 0;
  /** Header of the message that begins at `start`; undefined for a later part of a message. */
  header: MessageHeader | undefined;
  readonly #wantsBody: (header: MessageHeader) => boolean;
  /** Memory for kept bytes. `bytes` is `#kept`, a part of it from `#keptFrom` on, or a chunk. */
  #room = NO_BYTES;
  #kept: Buffer | undefined;
  #keptFrom = 0;
  /** Bytes of the current message that are still to come behind `end`. */
  #missing = 0;
  /** Header that is parsed and whose message waits for the rest of its body. */
  #held: MessageHeader | undefined;

  /** @param wantsBody true for a message that must not be given in parts */
  constructor(wantsBody: (header: MessageHeader) => boolean) {
    this.#wantsBody = wantsBody;
  }

  /** True between the parts of a message. */
  get inMessage(): boolean {
    return this.#missing > 0;
  }

  /** True when there are bytes that `advance()` has not reached. */
  get isBehind(): boolean {
    return this.end < this.bytes.length;
  }

  /** @param chunk bytes on loan until `keep` is called */
  push(chunk: Buffer): void {
    if (this.isBehind) {
      this.#append(chunk);
      return;
    }
    this.#look(chunk);
    this.#room = NO_BYTES;
    this.#kept = undefined;
  }

  /** Copy the rest of the last chunk, whose memory is used for something else from now on. */
  keep(): void {
    if (this.isBehind && this.bytes !== this.#kept) this.#append(NO_BYTES);
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

  /**
   * Keep what is left and the chunk. Room is doubled, so that single bytes cost no copy of the
   * rest.
   */
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
