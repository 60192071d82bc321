import { parseField } from "./fields.ts";
import type { Field } from "./fields.ts";
import type { Framing } from "./framing.ts";
import type { Input } from "./input.ts";
import { MAX_CHUNK_LINE_BYTES, MAX_FIELDS, MAX_TRAILER_BYTES } from "./limits.ts";
import { SectionReader, withoutTerminator } from "./section-reader.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

/**
 * `data` is content, `delimiter` the bytes around it (chunk sizes, trailers): both together,
 * in order, are the body as it was on the wire.
 */
export type BodyEvent =
  | { readonly type: "data"; readonly bytes: Buffer }
  | { readonly type: "delimiter"; readonly bytes: Buffer }
  | { readonly type: "end"; readonly trailers: readonly Field[] };

type State = "data" | "chunk-size" | "chunk-end" | "trailers" | "trailers-read";

/** Finds the end of one body; keeps none of it. */
export class BodyDecoder {
  #state: State;
  /** Bytes left of the body or of the chunk. */
  #left: number;
  #trailers: readonly Field[] = [];
  readonly #chunked: boolean;
  readonly #trailerReader = new SectionReader({ bytes: MAX_TRAILER_BYTES, lines: MAX_FIELDS });

  constructor(framing: Framing) {
    this.#chunked = framing.kind === "chunked";
    this.#state = this.#chunked ? "chunk-size" : "data";
    this.#left =
      framing.kind === "length" ? framing.length : framing.kind === "until-close" ? Infinity : 0;
  }

  /**
   * @returns undefined: push more
   * @throws HttpSyntaxError 400 or 431
   */
  next(input: Input): BodyEvent | undefined {
    switch (this.#state) {
      case "data":
        return this.#data(input);
      case "chunk-size":
        return this.#chunkSize(input);
      case "chunk-end":
        return this.#chunkEnd(input);
      case "trailers":
        return this.#trailerSection(input);
      case "trailers-read":
        return { type: "end", trailers: this.#trailers };
    }
  }

  #data(input: Input): BodyEvent | undefined {
    if (this.#left === 0) return { type: "end", trailers: [] };
    const bytes = input.readBytes(this.#left);
    if (bytes === undefined) return undefined;
    this.#left -= bytes.length;
    if (this.#chunked && this.#left === 0) this.#state = "chunk-end";
    return { type: "data", bytes };
  }

  #chunkSize(input: Input): BodyEvent | undefined {
    const line = input.readLine();
    if ((line?.length ?? input.partialLineLength) > MAX_CHUNK_LINE_BYTES) {
      throw new HttpSyntaxError(400, `a chunk-size line above ${MAX_CHUNK_LINE_BYTES} bytes`);
    }
    if (line === undefined) return undefined;
    // RFC 9112 §7.1; 13 hexadecimal digits stay exact in a number.

    const size = /^([0-9A-Fa-f]{1,13})(?:;[\t\x20-\x7e\x80-\xff]*)?$/.exec(
      withoutTerminator(line, false),
    )?.[1];
    if (size === undefined) throw new HttpSyntaxError(400, "malformed chunk size");
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? "trailers" : "data";
    return delimiter(line);
  }

  #chunkEnd(input: Input): BodyEvent | undefined {
    const line = input.readLine();
    if ((line?.length ?? input.partialLineLength) > 2 || (line ?? "\r\n") !== "\r\n") {
      throw new HttpSyntaxError(400, "a chunk is longer than its size");
    }
    if (line === undefined) return undefined;
    this.#state = "chunk-size";
    return delimiter(line);
  }

  #trailerSection(input: Input): BodyEvent | undefined {
    const lines = this.#trailerReader.read(input);
    if (lines === undefined) return undefined;
    this.#trailers = lines
      .map((line) => withoutTerminator(line, false))
      .slice(0, -1)
      .map(parseField);
    this.#state = "trailers-read";
    return delimiter(lines.join(""));
  }
}

/** One chunk as it goes on the wire. @param bytes not empty: an empty chunk ends a body */
export function chunkBytes(bytes: Buffer): Buffer[] {
  return [Buffer.from(`${bytes.length.toString(16)}\r\n`, "latin1"), bytes, CRLF];
}

/** The end of a chunked body as it goes on the wire. */
export function lastChunkBytes(trailers: readonly Field[]): Buffer {
  const fields = trailers.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  return Buffer.from(`0\r\n${fields}\r\n`, "latin1");
}

const CRLF = Buffer.from("\r\n");

function delimiter(line: string): BodyEvent {
  return { type: "delimiter", bytes: Buffer.from(line, "latin1") };
}
