import { together } from "../linux/gathered.ts";
import type { Parcel, PolledStream } from "../linux/polled-stream.ts";

/** Bytes of the broker's own messages that wait, before who causes them is read no more. */
const MAX_OWED_BYTES = 1024 * 1024;

/**
 * The way out to one side: parts of passing messages, and messages made by the broker, which
 * never go between the parts of another. All that one chunk causes is written at once.
 */
export class DbusOutbox {
  readonly #stream: PolledStream;
  /** To be written now; `parcel` goes with the first byte. */
  #ready: { readonly bytes: Buffer; readonly parcel?: Parcel | undefined }[] = [];
  /** Made while a message was under way. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Of the broker's own, in `#ready`. */
  #readyBytes = 0;
  /** Of the broker's own, written since the side last took everything. */
  #unsentBytes = 0;
  #inMessage = false;

  constructor(stream: PolledStream) {
    this.#stream = stream;
  }

  /** Whether what passes to this side has to wait. */
  get isStalled(): boolean {
    return this.#stream.stalled;
  }

  /** Whether whoever causes the broker's own messages is to be read no further for now. */
  get owesMuch(): boolean {
    const unsent = this.isStalled ? this.#unsentBytes : 0;
    return unsent + this.#waitingBytes > MAX_OWED_BYTES;
  }

  /**
   * @param bytes on loan until `flush`
   * @param isLast whether the last message in these bytes is complete
   * @param parcel the fds of the message that these bytes begin with
   */
  pass(bytes: Buffer, isLast: boolean, parcel?: Parcel): void {
    this.#ready.push({ bytes, parcel });
    this.#inMessage = !isLast;
    if (!isLast || this.#waiting.length === 0) return;
    for (const message of this.#waiting) this.#ready.push({ bytes: message });
    this.#readyBytes += this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  insert(message: Buffer): void {
    if (!this.#inMessage) {
      this.#ready.push({ bytes: message });
      this.#readyBytes += message.length;
      return;
    }
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
  }

  flush(): void {
    const pieces = this.#ready;
    if (pieces.length === 0) return;
    this.#ready = [];
    this.#unsentBytes = this.#readyBytes + (this.isStalled ? this.#unsentBytes : 0);
    this.#readyBytes = 0;
    together(() => {
      for (const { bytes, parcel } of pieces) this.#stream.write(bytes, parcel);
    });
  }
}
