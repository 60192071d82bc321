import type { Socket } from "node:net";

/** Bytes that wait for a message to end before the other side is read no more. */
const MAX_WAITING_BYTES = 1024 * 1024;
const MAX_JOINED_BYTES = 16 * 1024;

/**
 * The way out to one side: parts of passing messages, and messages made by the broker, which
 * never go between the parts of another. All that one chunk causes is written at once.
 */
export class DbusOutbox {
  readonly #socket: Socket;
  /** To be written now. */
  #ready: Buffer[] = [];
  /** Made while a message was under way. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #inMessage = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether whoever causes more is to be read no further for now. */
  get isFull(): boolean {
    return this.needsDrain || this.#waitingBytes > MAX_WAITING_BYTES;
  }

  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** @param isLast whether the last message in these bytes is complete */
  pass(bytes: Buffer, isLast: boolean): void {
    this.#ready.push(bytes);
    this.#inMessage = !isLast;
    if (!isLast || this.#waiting.length === 0) return;
    this.#ready.push(...this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  insert(message: Buffer): void {
    if (!this.#inMessage) {
      this.#ready.push(message);
      return;
    }
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
  }

  flush(): void {
    const pieces = this.#ready;
    const [first] = pieces;
    if (first === undefined) return;
    this.#ready = [];
    if (!this.#socket.writable) return;
    if (pieces.length === 1) {
      this.#socket.write(first);
      return;
    }
    let size = 0;
    for (const piece of pieces) size += piece.length;
    // Copying a little costs less than a vectored write.
    if (size <= MAX_JOINED_BYTES) {
      this.#socket.write(Buffer.concat(pieces, size));
      return;
    }
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
  }
}
