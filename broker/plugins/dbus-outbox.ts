import { together } from "../linux/gathered.ts";
import type { Parcel, PolledStream } from "../linux/polled-stream.ts";

/** Bytes that wait for a message to end before the other side is read no more. */
const MAX_WAITING_BYTES = 1024 * 1024;

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
  #inMessage = false;

  constructor(stream: PolledStream) {
    this.#stream = stream;
  }

  /** Whether whoever causes more is to be read no further for now. */
  get isFull(): boolean {
    return this.#stream.stalled || this.#waitingBytes > MAX_WAITING_BYTES;
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
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  insert(message: Buffer): void {
    if (!this.#inMessage) {
      this.#ready.push({ bytes: message });
      return;
    }
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
  }

  flush(): void {
    const pieces = this.#ready;
    if (pieces.length === 0) return;
    this.#ready = [];
    together(() => {
      for (const { bytes, parcel } of pieces) this.#stream.write(bytes, parcel);
    });
  }
}
