import { PolledStream } from "../linux/polled-stream.ts";
import type { StreamOwner } from "../linux/polled-stream.ts";
import { streamLoop } from "../linux/stream-loop.ts";

/**
 * Reads a stream piece by piece, for the beginning of a conversation that waits for its
 * answers; afterwards the stream is handed to whoever goes on with it. Nothing is read while
 * nobody waits, nor while the peer does not take what was written to it.
 */
export class StreamReader implements StreamOwner {
  readonly stream: PolledStream;
  #waiting: ((piece: Buffer | undefined) => void) | undefined;

  /**
   * @param fd non-blocking; owned by the stream from here on, and closed on failure
   * @param options of the stream
   * @throws SystemCallError ENOSPC, ENOMEM
   */
  constructor(fd: number, options: { readonly receivesFds?: boolean } = {}) {
    this.stream = new PolledStream(fd, this, options);
  }

  /**
   * @returns what has arrived, the caller's to keep; undefined at the end
   * @throws the signal's reason
   */
  async next(signal: AbortSignal): Promise<Buffer | undefined> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
    // The signal's reason is what it was aborted with.
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    this.#waiting = resolve;
    if (this.stream.ended) this.#answer(undefined);
    else if (!this.stream.stalled) this.stream.resume();
    try {
      return await promise;
    } finally {
      this.#waiting = undefined;
      signal.removeEventListener("abort", abort);
    }
  }

  onReadable(): void {
    if (this.#waiting === undefined || this.stream.stalled) {
      this.stream.pause();
      return;
    }
    const bytes = this.stream.read();
    if (bytes !== undefined) this.#answer(Buffer.from(bytes));
    else if (this.stream.ended) this.#answer(undefined);
  }

  onDrained(): void {
    if (this.#waiting !== undefined) this.stream.resume();
  }

  onGone(): void {
    // What has arrived before is still to be read, and behind it comes the end.
  }

  #answer(piece: Buffer | undefined): void {
    this.#waiting?.(piece);
    this.#waiting = undefined;
    streamLoop().leave();
  }
}
