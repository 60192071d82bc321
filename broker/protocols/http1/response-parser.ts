import { BodyDecoder } from "./body-decoder.ts";
import { listOf } from "./fields.ts";
import { responseFraming } from "./framing.ts";
import { Input } from "./input.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "./limits.ts";
import { parseResponseHead } from "./response-head.ts";
import type { ResponseHead } from "./response-head.ts";
import { SectionReader } from "./section-reader.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

/** The `bytes` of all events, in order, are the bytes pushed. */
export type ResponseEvent =
  | {
      readonly type: "head";
      readonly head: ResponseHead;
      readonly bytes: Buffer;
      /** 1xx: the answer proper is still to come. */
      readonly interim: boolean;
    }
  | { readonly type: "body"; readonly bytes: Buffer }
  /** @property keepAlive whether the provider will take another request here */
  | { readonly type: "end"; readonly keepAlive: boolean }
  /** The provider breaks the protocol; the parser is deaf from here on. */
  | { readonly type: "refused"; readonly reason: string };

/**
 * Follows the answers of a provider to know where each ends (RFC 9112 §6.3). One request is
 * outstanding at a time; bytes that answer nothing are refused.
 */
export class ResponseParser {
  readonly #input = new Input();
  // One line more for the status line.
  readonly #headReader = new SectionReader({ bytes: MAX_HEAD_BYTES, lines: MAX_FIELDS + 1 });
  #method: string | undefined;
  #body: { readonly decoder: BodyDecoder; readonly keepAlive: boolean } | undefined;
  #refused = false;

  /** A request of this method is about to be sent. */
  expect(method: string): void {
    this.#method = method;
  }

  /** The events are made while they are taken: take all of them before the next push. */
  *push(bytes: Buffer): Generator<ResponseEvent, void, void> {
    if (this.#refused) return;
    this.#input.push(bytes);
    try {
      for (let event = this.#next(); event !== undefined; event = this.#next()) yield event;
    } catch (error) {
      if (!(error instanceof HttpSyntaxError)) throw error;
      this.#refused = true;
      yield { type: "refused", reason: error.message };
    }
  }

  #next(): ResponseEvent | undefined {
    return this.#body === undefined ? this.#head() : this.#bodyEvent(this.#body);
  }

  #head(): ResponseEvent | undefined {
    if (this.#method === undefined) {
      if (this.#input.readBytes(1) === undefined) return undefined;
      throw new HttpSyntaxError(400, "bytes that answer no request");
    }
    const lines = this.#headReader.read(this.#input);
    if (lines === undefined) return undefined;
    const head = parseResponseHead(lines);
    const bytes = Buffer.from(lines.join(""), "latin1");
    // Upgrade is never passed to the provider, so nobody can have asked for another protocol.
    if (head.status === 101) throw new HttpSyntaxError(400, "a change of protocol nobody asked");
    if (head.status < 200) return { type: "head", head, bytes, interim: true };
    const framing = responseFraming(head, this.#method);
    this.#method = undefined;
    const keepAlive = framing.kind !== "until-close" && staysOpen(head);
    this.#body = { decoder: new BodyDecoder(framing), keepAlive };
    return { type: "head", head, bytes, interim: false };
  }

  #bodyEvent(body: { decoder: BodyDecoder; keepAlive: boolean }): ResponseEvent | undefined {
    const event = body.decoder.next(this.#input);
    if (event?.type !== "end") return event && { type: "body", bytes: event.bytes };
    this.#body = undefined;
    return { type: "end", keepAlive: body.keepAlive };
  }
}

/** RFC 9112 §9.3. */
function staysOpen(head: ResponseHead): boolean {
  const options = listOf(head.fields, "connection");
  if (options.includes("close")) return false;
  return head.version === "1.1" || options.includes("keep-alive");
}
