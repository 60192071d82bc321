import { PolledStream } from "../../../shared/linux/polled-stream.ts";
import type { StreamOwner } from "../../../shared/linux/polled-stream.ts";
import { saslAuthReply } from "../../../shared/protocols/sasl/client.ts";
import { SaslLineReader } from "../../../shared/protocols/sasl/line-reader.ts";

/** One line of the bus, or the reason why there is none. */
export type BusReply =
  | { readonly type: "line"; readonly text: string }
  | { readonly type: "failed"; readonly reason: string };

/**
 * A connection to the provider's bus until BEGIN: one question at a time, each with a reply of one
 * line. It reads only while a reply is due. Afterwards the session takes the stream over.
 */
export class BusConnection implements StreamOwner {
  readonly stream: PolledStream;
  #lines = new SaslLineReader({ nul: false });
  #onReply: ((reply: BusReply) => void) | undefined;

  /**
   * @param fd non-blocking; owned by the stream from now on, and closed on failure
   * @throws SystemCallError ENOSPC, ENOMEM
   */
  constructor(fd: number) {
    this.stream = new PolledStream(fd, this, { receivesFds: true });
  }

  /** @param onReply called once, unless the stream is closed before */
  ask(question: Buffer, onReply: (reply: BusReply) => void): void {
    this.#onReply = onReply;
    this.stream.write(question);
    this.stream.resume();
    if (this.stream.ended) this.#take(undefined);
  }

  onReadable(): void {
    if (this.#onReply === undefined) {
      this.stream.pause();
      return;
    }
    const bytes = this.stream.read();
    if (bytes !== undefined || this.stream.ended) this.#take(bytes);
  }

  onDrained(): void {
    // Nothing to do: the bus replies once the question has arrived.
  }

  onGone(): void {
    // Go on reading: bytes that arrived before are followed by the end.
  }

  /** @param bytes bytes on loan; undefined at the end */
  #take(bytes: Buffer | undefined): void {
    if (bytes === undefined) {
      this.#reply(failed("it closes the connection"));
      return;
    }
    this.#lines.push(Buffer.from(bytes));
    const input = this.#lines.next();
    if (input === undefined) return;
    if (input.type === "violation") this.#reply(failed(`it sends ${input.reason}`));
    else if (this.#lines.rest.length > 0) this.#reply(failed("it speaks before BEGIN"));
    else this.#reply(input);
  }

  #reply(reply: BusReply): void {
    const onReply = this.#onReply;
    this.#onReply = undefined;
    onReply?.(reply);
  }
}

/** Reads the reply to an AUTH that was sent together with BEGIN and messages. */
export class AuthReplyReader {
  readonly #lines = new SaslLineReader({ nul: false });
  readonly #onGuid: (guid: string) => void;

  constructor(onGuid: (guid: string) => void) {
    this.#onGuid = onGuid;
  }

  /**
   * @param bytes bytes on loan
   * @returns the bytes behind the reply, perhaps none; undefined until the reply is complete
   * @throws Refusal
   */
  take(bytes: Buffer): Buffer | undefined {
    this.#lines.push(Buffer.from(bytes));
    const input = this.#lines.next();
    if (input === undefined) return undefined;
    if (input.type === "violation") throw new Refusal(`it sends ${input.reason}`);
    const reply = saslAuthReply(input.text);
    if (reply.type === "rejected") throw new Refusal(reply.reason);
    this.#onGuid(reply.guid);
    return this.#lines.rest;
  }
}

/** The bus refuses the connection. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

function failed(reason: string): BusReply {
  return { type: "failed", reason };
}
