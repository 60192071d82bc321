import { batchWrites } from "../../../shared/linux/write-batch.ts";
import type { AttachedFds, PolledStream } from "../../../shared/linux/polled-stream.ts";

/** Bytes of the broker's own unsent messages at which the side that causes them is paused. */
const MAX_OWED_BYTES = 1024 * 1024;

/**
 * The way out to one side, for parts of passing messages and for messages of the broker's own,
 * which never go between the parts of another message. All messages that one chunk causes are
 * written at once.
 */
export class DbusOutbox {
  readonly #stream: PolledStream;
  /** Pieces to write at the next flush; `attached` fds go with the first byte of their piece. */
  #ready: { readonly bytes: Buffer; readonly attached?: AttachedFds | undefined }[] = [];
  /** Messages that were made while another message was half sent. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Bytes of the broker's own messages in `#ready`. */
  #readyBytes = 0;
  /** Bytes of the broker's own messages written since the side last took everything. */
  #unsentBytes = 0;
  #inMessage = false;

  constructor(stream: PolledStream) {
    this.#stream = stream;
  }

  /** True while messages to this side have to wait. */
  get isStalled(): boolean {
    return this.#stream.stalled;
  }

  /** True while the side that causes the broker's own messages has to be paused. */
  get owesMuch(): boolean {
    const unsent = this.isStalled ? this.#unsentBytes : 0;
    return unsent + this.#waitingBytes > MAX_OWED_BYTES;
  }

  /**
   * @param bytes on loan until `flush`
   * @param isLast true when the last message in these bytes is complete
   * @param attached fds of the first message in these bytes
   */
  pass(bytes: Buffer, isLast: boolean, attached?: AttachedFds): void {
    this.#ready.push({ bytes, attached });
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
    batchWrites(() => {
      for (const { bytes, attached } of pieces) this.#stream.write(bytes, attached);
    });
  }
}
