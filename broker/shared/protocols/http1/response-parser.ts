import { BodyDecoder } from "./body-decoder.ts";
import type { BodyOptions, Respelling } from "./body-decoder.ts";
import { listOf } from "./fields.ts";
import type { Field } from "./fields.ts";
import type { Framing } from "./framing.ts";
import { responseFraming } from "./framing.ts";
import { HeadReader } from "./head-reader.ts";
import { Input } from "./input.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "./limits.ts";
import { staysOpen } from "./persistence.ts";
import { parseResponseHead } from "./response-head.ts";
import type { ResponseHead } from "./response-head.ts";
import { Spelling } from "./spelling.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

/** Facts about the request that decide how its response is read. */
export interface Expected {
  readonly method: string;
  /** Protocols that the request offered to change to, in lower case. */
  readonly upgrade: readonly string[];
}

/**
 * The `bytes` of all events, in order, are the bytes pushed; they are borrowed from what was
 * pushed.
 */
export type ResponseEvent =
  | {
      readonly type: "head";
      readonly head: ResponseHead;
      readonly bytes: Buffer;
      /** 1xx: the response proper is still to come. */
      readonly interim: boolean;
      readonly framing: Framing;
    }
  /** The connection speaks another protocol from here on; what is behind is in `rest`. */
  | { readonly type: "switched"; readonly bytes: Buffer }
  /** @property respelt what is to go on instead, when the bytes are not spelt as we spell them */
  | { readonly type: "body"; readonly bytes: Buffer; readonly respelt?: Buffer }
  /** @property keepAlive whether the provider will take another request here */
  | { readonly type: "end"; readonly keepAlive: boolean }
  /** The provider breaks the protocol; the parser is deaf from here on. */
  | { readonly type: "refused"; readonly reason: string };

/** Where a response ends, and whether the connection does. */
interface End {
  readonly framing: Framing;
  readonly keepAlive: boolean;
}

// One line more for the status line. Lines may end with LF alone: providers are often shell
// scripts.
const LIMITS = { bytes: MAX_HEAD_BYTES, lines: MAX_FIELDS + 1, bareLineFeed: true };

/**
 * Follows the responses of a provider to know where each ends (RFC 9112 §6.3). One request is
 * outstanding at a time; bytes that answer nothing are refused.
 */
export class ResponseParser {
  readonly #input = new Input();
  readonly #headReader = new HeadReader(LIMITS, (line) => this.#spelling.parse(line));
  readonly #spelling = new Spelling();
  readonly #bodyOptions: BodyOptions;
  readonly #respellings: Respelling[] = [];
  /** End of the previous response, with the head and the method on which alone it depends. */
  #last: { readonly head: ResponseHead; readonly method: string; readonly end: End } | undefined;
  #lastHead: ResponseHead | undefined;
  #isPlain = false;
  #expected: Expected | undefined;
  #body: BodyDecoder | undefined;
  #keepAlive = false;
  #deaf = false;

  /** @param passable trailers that may go on, of a response with that head */
  constructor(passable?: (trailers: readonly Field[], head: ResponseHead) => readonly Field[]) {
    this.#bodyOptions = {
      isResponse: true,
      onRespelt: (respelling) => this.#respellings.push(respelling),
      ...(passable && {
        passable: (trailers) =>
          this.#lastHead === undefined ? trailers : passable(trailers, this.#lastHead),
      }),
    };
  }

  /** A request is about to be sent. */
  expect(request: Expected): void {
    this.#expected = request;
  }

  /** The head that was read last, that of `switched` included. */
  get lastHead(): ResponseHead | undefined {
    return this.#lastHead;
  }

  /** True when that head came as we would write it: `Name: value`, lines that end with CRLF. */
  get isPlain(): boolean {
    return this.#isPlain;
  }

  /** Give bytes for `next` to read; they are borrowed until `keep`. */
  push(bytes: Buffer): void {
    if (!this.#deaf) this.#input.push(bytes);
  }

  /** Copy what `next` has not used: the memory that was pushed may be reused from here on. */
  keep(): void {
    this.#input.keep();
  }

  /** Raw bytes that are left after `switched`. */
  rest(): Buffer | undefined {
    return this.#input.take(Infinity);
  }

  /** @returns undefined: push more */
  next(): ResponseEvent | undefined {
    if (this.#deaf) return undefined;
    try {
      return this.#body === undefined ? this.#head() : this.#bodyEvent(this.#body);
    } catch (error) {
      if (!(error instanceof HttpSyntaxError)) throw error;
      this.#deaf = true;
      this.#input.take(Infinity);
      return { type: "refused", reason: error.message };
    }
  }

  #head(): ResponseEvent | undefined {
    if (this.#expected === undefined) {
      if (this.#input.length === 0) return undefined;
      throw new HttpSyntaxError(400, "bytes that answer no request");
    }
    const { bytes: source, start } = this.#input;
    const lines = this.#headReader.read(this.#input);
    if (lines === undefined) return undefined;
    const head = parseResponseHead(lines);
    this.#lastHead = head;
    const length = this.#input.start - start;
    this.#isPlain = this.#spelling.isPlain(lines, length);
    const bytes = source.subarray(start, this.#input.start);
    if (head.status === 101) {
      refuseUnasked(head, this.#expected.upgrade);
      this.#deaf = true;
      return { type: "switched", bytes };
    }
    if (head.status < 200) return { type: "head", head, bytes, interim: true, framing: NO_BODY };
    const { framing, keepAlive } = this.#endOf(head, this.#expected.method);
    this.#expected = undefined;
    this.#keepAlive = keepAlive;
    this.#body = new BodyDecoder(framing, this.#bodyOptions);
    return { type: "head", head, bytes, interim: false, framing };
  }

  #endOf(head: ResponseHead, method: string): End {
    const last = this.#last;
    const isSame =
      last?.head.fields === head.fields &&
      last.head.version === head.version &&
      last.head.status === head.status &&
      last.method === method;
    if (isSame) return last.end;
    const framing = responseFraming(head, method);
    const end = { framing, keepAlive: framing.kind !== "until-close" && staysOpen(head) };
    this.#last = { head, method, end };
    return end;
  }

  /** Content and what is around it go on together, as the bytes they are where these are plain. */
  #bodyEvent(body: BodyDecoder): ResponseEvent | undefined {
    const { bytes: source, start } = this.#input;
    try {
      while (body.next(this.#input) !== undefined);
    } catch (error) {
      // This event still passes on the well-formed bytes before the error.
      if (this.#input.start === start || !(error instanceof HttpSyntaxError)) throw error;
    }
    if (this.#input.start > start) {
      const bytes = source.subarray(start, this.#input.start);
      if (this.#respellings.length === 0) return { type: "body", bytes };
      const respelt = spell(source, start, this.#input.start, this.#respellings.splice(0));
      return { type: "body", bytes, respelt };
    }
    if (!body.ended) return undefined;
    this.#body = undefined;
    return { type: "end", keepAlive: this.#keepAlive };
  }
}

const NO_BODY: Framing = { kind: "none" };

function spell(source: Buffer, start: number, end: number, all: readonly Respelling[]): Buffer {
  const pieces: Buffer[] = [];
  let at = start;
  for (const { from, to, text } of all) {
    pieces.push(source.subarray(at, from), Buffer.from(text, "latin1"));
    at = to;
  }
  return Buffer.concat([...pieces, source.subarray(at, end)]);
}

/** A change of protocol must be one that the request offered (RFC 9110 §15.2.2). */
function refuseUnasked(head: ResponseHead, offered: readonly string[]): void {
  const chosen = listOf(head.fields, "upgrade");
  if (chosen.length === 0 || !chosen.every((token) => offered.includes(token))) {
    throw new HttpSyntaxError(400, "a change of protocol nobody asked");
  }
}
