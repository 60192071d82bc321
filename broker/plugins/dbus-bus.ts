import { PolledStream } from "../linux/polled-stream.ts";
import type { StreamOwner } from "../linux/polled-stream.ts";
import { SaslLineReader } from "../protocols/sasl/line-reader.ts";

/** One line, or why there is none. */
export type BusAnswer =
  | { readonly type: "line"; readonly text: string }
  | { readonly type: "failed"; readonly reason: string };

/**
 * A connection to the provider's bus until BEGIN: one question at a time, each answered by one
 * line. Nothing is read while no answer is due. Afterwards the stream is handed to whoever goes
 * on with it.
 */
export class BusConnection implements StreamOwner {
  readonly stream: PolledStream;
  #lines = new SaslLineReader({ nul: false });
  #onAnswer: ((answer: BusAnswer) => void) | undefined;

  /**
   * @param fd non-blocking; owned by the stream from here on, and closed on failure
   * @param options of the stream
   * @throws SystemCallError ENOSPC, ENOMEM
   */
  constructor(fd: number, options: { readonly receivesFds: boolean }) {
    this.stream = new PolledStream(fd, this, options);
  }

  /** @param onAnswer called once, unless the stream is closed before */
  ask(question: Buffer, onAnswer: (answer: BusAnswer) => void): void {
    this.#onAnswer = onAnswer;
    this.stream.write(question);
    this.stream.resume();
    if (this.stream.ended) this.#take(undefined);
  }

  onReadable(): void {
    if (this.#onAnswer === undefined) {
      this.stream.pause();
      return;
    }
    const bytes = this.stream.read();
    if (bytes !== undefined || this.stream.ended) this.#take(bytes);
  }

  onDrained(): void {
    // The answer comes when the question has arrived.
  }

  onGone(): void {
    // What has arrived before is still to be read, and behind it comes the end.
  }

  /** @param bytes on loan; undefined at the end */
  #take(bytes: Buffer | undefined): void {
    if (bytes === undefined) {
      this.#answer(failed("it closes the connection"));
      return;
    }
    this.#lines.push(Buffer.from(bytes));
    const input = this.#lines.next();
    if (input === undefined) return;
    if (input.type === "violation") this.#answer(failed(`it sends ${input.reason}`));
    else if (this.#lines.rest.length > 0) this.#answer(failed("it speaks before BEGIN"));
    else this.#answer(input);
  }

  #answer(answer: BusAnswer): void {
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    onAnswer?.(answer);
  }
}

function failed(reason: string): BusAnswer {
  return { type: "failed", reason };
}
