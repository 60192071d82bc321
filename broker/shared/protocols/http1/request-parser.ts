import { refuseDoubtfulHost } from "./authority.ts";
import { BodyDecoder } from "./body-decoder.ts";
import type { Field } from "./fields.ts";
import type { Framing } from "./framing.ts";
import { requestFraming } from "./framing.ts";
import { HeadReader } from "./head-reader.ts";
import { Input } from "./input.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "./limits.ts";
import { parseRequestHead } from "./request-head.ts";
import type { RequestHead } from "./request-head.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

export type RequestEvent =
  | { readonly type: "head"; readonly head: RequestHead; readonly framing: Framing }
  /** Borrowed from what was pushed. */
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

// One line more for the request line.
const LIMITS = { bytes: MAX_HEAD_BYTES, lines: MAX_FIELDS + 1, bareLineFeed: false };
const NO_TRAILERS: RequestEvent = { type: "end", trailers: [] };

/**
 * Parses what one consumer sends on one connection: one request after the other (RFC 9112).
 *
 * Trust: none in the sender. Whatever could be read in two ways is refused, so that the
 * requests which a provider sees are the requests that this parser saw. Bodies are streamed;
 * what is kept between two pushes is at most an incomplete head, chunk-size line or trailer
 * section, each within its limit, and what `next` was not asked for.
 *
 *     idle ─▶ head ─▶ body ─▶ idle        any of them ─▶ refused
 */
export class RequestParser {
  readonly #framingOf: (head: RequestHead) => Framing;
  readonly #input = new Input();
  readonly #headReader = new HeadReader(LIMITS);
  /** Previous head and its framing, which depends only on version and fields, as the checks do. */
  #last: { readonly head: RequestHead; readonly framing: Framing } | undefined;
  #body: BodyDecoder | undefined;
  #emptyLineSkipped = false;
  #refused = false;

  constructor(framingOf: (head: RequestHead) => Framing = requestFraming) {
    this.#framingOf = framingOf;
  }

  /** Where the bytes that have been used end. */
  get position(): "idle" | "head" | "body" | "refused" {
    if (this.#refused) return "refused";
    if (this.#body !== undefined) return "body";
    return this.#input.length > 0 ? "head" : "idle";
  }

  /** Give bytes for `next` to read; they are borrowed until `keep`. */
  push(bytes: Buffer): void {
    if (!this.#refused) this.#input.push(bytes);
  }

  /** Copy what `next` has not used: the memory that was pushed may be reused from here on. */
  keep(): void {
    this.#input.keep();
  }

  /** Raw bytes that are left, for a connection that changes its protocol. */
  rest(): Buffer | undefined {
    return this.#input.take(Infinity);
  }

  /** @returns undefined: push more */
  next(): RequestEvent | undefined {
    if (this.#refused) return undefined;
    try {
      return this.#body === undefined ? this.#head() : this.#bodyEvent(this.#body);
    } catch (error) {
      if (!(error instanceof HttpSyntaxError)) throw error;
      this.#refused = true;
      this.#input.take(Infinity);
      const part = this.#body === undefined ? "head" : "body";
      return { type: "refused", part, status: error.status, reason: error.message };
    }
  }

  #head(): RequestEvent | undefined {
    let lines = this.#headReader.read(this.#input);
    // RFC 9112 §2.2: one empty line before a request line is ignored.
    if (lines?.startLine === "" && !this.#emptyLineSkipped) {
      this.#emptyLineSkipped = true;
      lines = this.#headReader.read(this.#input);
    }
    if (lines === undefined) return undefined;
    this.#emptyLineSkipped = false;
    const head = parseRequestHead(lines);
    const framing = this.#framingFor(head);
    this.#body = new BodyDecoder(framing);
    return { type: "head", head, framing };
  }

  #framingFor(head: RequestHead): Framing {
    const last = this.#last;
    if (last?.head.fields === head.fields && last.head.version === head.version) {
      return last.framing;
    }
    refuseDoubtfulHost(head.fields);
    const framing = this.#framingOf(head);
    this.#last = { head, framing };
    return framing;
  }

  #bodyEvent(body: BodyDecoder): RequestEvent | undefined {
    const bytes = body.next(this.#input);
    if (bytes !== undefined) return { type: "data", bytes };
    if (!body.ended) return undefined;
    this.#body = undefined;
    return body.trailers.length === 0 ? NO_TRAILERS : { type: "end", trailers: body.trailers };
  }
}
