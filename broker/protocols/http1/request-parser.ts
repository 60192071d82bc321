import { BodyDecoder } from "./body-decoder.ts";
import type { Field } from "./fields.ts";
import type { Framing } from "./framing.ts";
import { requestFraming } from "./framing.ts";
import { Input } from "./input.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "./limits.ts";
import { parseRequestHead } from "./request-head.ts";
import type { RequestHead } from "./request-head.ts";
import { SectionReader } from "./section-reader.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

export type RequestEvent =
  | { readonly type: "head"; readonly head: RequestHead; readonly framing: Framing }
  | { readonly type: "data"; readonly bytes: Buffer }
  | { readonly type: "end"; readonly trailers: readonly Field[] }
  /**
   * Answer with `status` and close; the parser is deaf from here on. In `body` the head of the
   * same request has been reported before.
   */
  | {
      readonly type: "refused";
      readonly part: "head" | "body";
      readonly status: number;
      readonly reason: string;
    };

/**
 * What one consumer sends on one connection: requests, one after the other (RFC 9112).
 *
 * Trust: none in the sender. Whatever could be read in two ways is refused, so that the
 * requests which a provider sees are the requests that this parser saw. Bodies are streamed;
 * what is kept between two pushes is at most an incomplete head, chunk-size line or trailer
 * section, each within its limit.
 *
 *     idle ─▶ head ─▶ body ─▶ idle        any of them ─▶ refused
 */
export class RequestParser {
  readonly #framingOf: (head: RequestHead) => Framing;
  readonly #input = new Input();
  // One line more for the request line.
  readonly #headReader = new SectionReader({ bytes: MAX_HEAD_BYTES, lines: MAX_FIELDS + 1 });
  #body: BodyDecoder | undefined;
  #emptyLineSkipped = false;
  #refused = false;

  constructor(framingOf: (head: RequestHead) => Framing = requestFraming) {
    this.#framingOf = framingOf;
  }

  /** Where the bytes pushed so far end. */
  get position(): "idle" | "head" | "body" | "refused" {
    if (this.#refused) return "refused";
    if (this.#body !== undefined) return "body";
    return this.#headReader.begun(this.#input) ? "head" : "idle";
  }

  /** The events are made while they are taken: take all of them before the next push. */
  *push(bytes: Buffer): Generator<RequestEvent, void, void> {
    if (this.#refused) return;
    this.#input.push(bytes);
    try {
      for (let event = this.#next(); event !== undefined; event = this.#next()) yield event;
    } catch (error) {
      if (!(error instanceof HttpSyntaxError)) throw error;
      this.#refused = true;
      const part = this.#body === undefined ? "head" : "body";
      yield { type: "refused", part, status: error.status, reason: error.message };
    }
  }

  #next(): RequestEvent | undefined {
    return this.#body === undefined ? this.#head() : this.#bodyEvent(this.#body);
  }

  #head(): RequestEvent | undefined {
    let lines = this.#headReader.read(this.#input);
    // RFC 9112 §2.2: one empty line before a request line is ignored.
    if (lines?.length === 1 && lines[0] === "\r\n" && !this.#emptyLineSkipped) {
      this.#emptyLineSkipped = true;
      lines = this.#headReader.read(this.#input);
    }
    if (lines === undefined) return undefined;
    this.#emptyLineSkipped = false;
    const head = parseRequestHead(lines);
    const framing = this.#framingOf(head);
    this.#body = new BodyDecoder(framing);
    return { type: "head", head, framing };
  }

  #bodyEvent(body: BodyDecoder): RequestEvent | undefined {
    for (;;) {
      const event = body.next(this.#input);
      if (event?.type === "delimiter") continue;
      if (event?.type === "end") this.#body = undefined;
      return event;
    }
  }
}
