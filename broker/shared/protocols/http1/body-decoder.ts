import { parseResponseField, parseField } from "./fields.ts";
import type { Field } from "./fields.ts";
import type { Framing } from "./framing.ts";
import type { Input } from "./input.ts";
import { MAX_CHUNK_LINE_BYTES, MAX_FIELDS, MAX_TRAILER_BYTES } from "./limits.ts";
import { SectionReader, linesOf } from "./section-reader.ts";
import { fieldsText } from "./request-head.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

type State = "data" | "chunk-size" | "chunk-end" | "trailers" | "end";

const LF = 0x0a;
/**
 * RFC 9112 §7.1; 13 hexadecimal digits stay exact in a number. Blanks may stand before an
 * extension (BWS, §7.1.1).
 */
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,13})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?\r\n$/;
/** Chunk size in a response: old servers fill it up with blanks to a fixed width. */
const PADDED_CHUNK_SIZE = /^([0-9A-Fa-f]{1,13})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n$/;

/** Bytes around the content, between two offsets of an input, that are not spelt as we spell them. */
export interface Respelling {
  readonly from: number;
  readonly to: number;
  /** Text to send in their place, one character per byte (latin1). */
  readonly text: string;
}

export interface BodyOptions {
  /** Read what RFC 9112 forbids to send and has recipients of responses understand. */
  readonly isResponse?: boolean;
  /** Trailers that may go on; all of them when absent. */
  readonly passable?: (trailers: readonly Field[]) => readonly Field[];
  /** Called with each part that goes on in another spelling; extensions of chunks end here. */
  readonly onRespelt?: (respelling: Respelling) => void;
}

/** Finds the end of one body; keeps none of it. */
export class BodyDecoder {
  #state: State;
  /** Bytes left of the body or of the chunk. */
  #left: number;
  readonly #chunked: boolean;
  #trailers: readonly Field[] = [];
  #trailerReader: SectionReader | undefined;
  readonly #options: BodyOptions;

  constructor(framing: Framing, options: BodyOptions = {}) {
    this.#options = options;
    this.#chunked = framing.kind === "chunked";
    this.#left =
      framing.kind === "length" ? framing.length : framing.kind === "until-close" ? Infinity : 0;
    this.#state = this.#chunked ? "chunk-size" : this.#left === 0 ? "end" : "data";
  }

  get ended(): boolean {
    return this.#state === "end";
  }

  get trailers(): readonly Field[] {
    return this.#trailers;
  }

  /**
   * The next piece of content, borrowed from the input; what is around it is passed over.
   * @returns undefined: push more, or the body has ended
   * @throws HttpSyntaxError 400 or 431
   */
  next(input: Input): Buffer | undefined {
    for (;;) {
      switch (this.#state) {
        case "data":
          return this.#data(input);
        case "chunk-size":
          if (!this.#chunkSize(input)) return undefined;
          break;
        case "chunk-end":
          if (!this.#chunkEnd(input)) return undefined;
          break;
        case "trailers":
          if (!this.#trailerSection(input)) return undefined;
          break;
        case "end":
          return undefined;
      }
    }
  }

  #data(input: Input): Buffer | undefined {
    const bytes = input.take(this.#left);
    if (bytes === undefined) return undefined;
    this.#left -= bytes.length;
    if (this.#left === 0) this.#state = this.#chunked ? "chunk-end" : "end";
    return bytes;
  }

  #chunkSize(input: Input): boolean {
    const { bytes, start, end } = input;
    const stop = Math.min(end, start + MAX_CHUNK_LINE_BYTES);
    const lineFeed = indexOf(bytes, LF, start, stop);
    if (lineFeed === -1) {
      if (stop - start < MAX_CHUNK_LINE_BYTES) return false;
      throw new HttpSyntaxError(400, `a chunk-size line above ${MAX_CHUNK_LINE_BYTES} bytes`);
    }
    const { isResponse = false, onRespelt } = this.#options;
    const pattern = isResponse ? PADDED_CHUNK_SIZE : CHUNK_SIZE;
    const size = pattern.exec(bytes.toString("latin1", start, lineFeed + 1))?.[1];
    if (size === undefined) throw new HttpSyntaxError(400, "malformed chunk size");
    input.start = lineFeed + 1;
    this.#left = Number.parseInt(size, 16);
    const isPlain = start + size.length + 2 === input.start && (size === "0" || size[0] !== "0");
    if (!isPlain) onRespelt?.({ from: start, to: input.start, text: chunkStart(this.#left) });
    this.#state = this.#left === 0 ? "trailers" : "data";
    return true;
  }

  #chunkEnd(input: Input): boolean {
    const { bytes, start, end } = input;
    const first = start < end ? bytes[start] : undefined;
    const second = start + 1 < end ? bytes[start + 1] : undefined;
    if ((first ?? 0x0d) !== 0x0d || (second ?? LF) !== LF) {
      throw new HttpSyntaxError(400, "a chunk is longer than its size");
    }
    if (second === undefined) return false;
    input.start = start + 2;
    this.#state = "chunk-size";
    return true;
  }

  #trailerSection(input: Input): boolean {
    this.#trailerReader ??= new SectionReader({
      bytes: MAX_TRAILER_BYTES,
      lines: MAX_FIELDS,
      bareLineFeed: false,
    });
    const { start } = input;
    const section = this.#trailerReader.read(input);
    if (section === undefined) return false;
    const { isResponse = false, passable, onRespelt } = this.#options;
    try {
      const trailers = linesOf(section).map(isResponse ? parseResponseField : parseField);
      this.#trailers = passable?.(trailers) ?? trailers;
      const text = fieldsText(this.#trailers);
      if (text !== section) onRespelt?.({ from: start, to: input.start, text });
    } catch (error) {
      // A section that is refused has not been used.
      input.start = start;
      throw error;
    }
    this.#state = "end";
    return true;
  }
}

/** Line that goes on the wire before a chunk of `length` bytes; 0 ends a body. */
export function chunkStart(length: number): string {
  return `${length.toString(16)}\r\n`;
}

/** Behind each chunk. */
export const CHUNK_END = "\r\n";

/** The end of a chunked body as it goes on the wire. */
export function lastChunk(trailers: readonly Field[]): string {
  const fields = trailers.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  return `0\r\n${fields}\r\n`;
}

/** A loop in place of Buffer.indexOf: chunk-size lines are a few bytes long. */
function indexOf(bytes: Buffer, value: number, from: number, to: number): number {
  for (let at = from; at < to; at += 1) if (bytes[at] === value) return at;
  return -1;
}
