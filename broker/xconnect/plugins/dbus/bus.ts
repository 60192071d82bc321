import { PolledStream } from "../../../shared/linux/polled-stream.ts";
import type { StreamOwner } from "../../../shared/linux/polled-stream.ts";
import { saslClientAnswer } from "../../../shared/protocols/sasl/client.ts";
import { SaslLineReader } from "../../../shared/protocols/sasl/line-reader.ts";

/** One line of the bus, or the reason why there is none. */
export type BusAnswer =
  | { readonly type: "line"; readonly text: string }
  | { readonly type: "failed"; readonly reason: string };

/**
 * A connection to the provider's bus until BEGIN: one question at a time, each answered by one
 * line. It reads only while an answer is due. Afterwards the session takes the stream over.
 */
export class BusConnection implements StreamOwner {
  readonly stream: PolledStream;
  #lines = new SaslLineReader({ nul: false });
  #onAnswer: ((answer: BusAnswer) => void) | undefined;

  /**
   * @param fd non-blocking; owned by the stream from now on, and closed on failure
   * @throws SystemCallError ENOSPC, ENOMEM
   */
  constructor(fd: number) {
    this.stream = new PolledStream(fd, this, { receivesFds: true });
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
    // Nothing to do: the bus answers once the question has arrived.
  }

  onGone(): void {
    // Go on reading: bytes that arrived before are followed by the end.
  }

  /** @param bytes bytes on loan; undefined at the end */
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

/** Reads the answer to an AUTH that was sent together with BEGIN and messages. */
export class BusAnswerAhead {
  readonly #lines = new SaslLineReader({ nul: false });
  readonly #onGuid: (guid: string) => void;

  constructor(onGuid: (guid: string) => void) {
    this.#onGuid = onGuid;
  }

  /**
   * @param bytes bytes on loan
   * @returns the bytes behind the answer, perhaps none; undefined until the answer is complete
   * @throws Refusal
   */
  take(bytes: Buffer): Buffer | undefined {
    this.#lines.push(Buffer.from(bytes));
    const input = this.#lines.next();
    if (input === undefined) return undefined;
    if (input.type === "violation") throw new Refusal(`it sends ${input.reason}`);
    const answer = saslClientAnswer(input.text);
    if (answer.type === "rejected") throw new Refusal(answer.reason);
    this.#onGuid(answer.guid);
    return this.#lines.rest;
  }
}

/** The bus refuses the connection. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

function failed(reason: string): BusAnswer {
  return { type: "failed", reason };
}
