import type { Field } from "./fields.ts";
import { parseField } from "./fields.ts";
import type { Input } from "./input.ts";
import { SectionReader, linesOf } from "./section-reader.ts";
import type { SectionLimits } from "./section-reader.ts";

/** A head as far as requests and responses have it in common. */
export interface HeadLines {
  /** The request or status line without its terminator, one character per byte (latin1). */
  readonly startLine: string;
  /**
   * The same array as before when the bytes of the fields are the same, so that whatever is
   * derived from fields can be kept for as long as they stay.
   */
  readonly fields: readonly Field[];
}

const CR = 0x0d;
const LF = 0x0a;
/** Fields of more bytes are read anew each time: each connection holds this much at most. */
const KEPT_BYTES = 2 * 1024;

/**
 * Reads heads one after the other. The fields of a connection's heads mostly differ in nothing
 * (a client asks for one path after the other), and to compare bytes takes a tenth of the time
 * that it takes to read them.
 */
export class HeadReader {
  readonly #limits: SectionLimits;
  readonly #parseField: (line: string) => Field;
  readonly #section: SectionReader;
  /** Bytes that `#fields` were read from, with the empty line: the first `#length` of these. */
  #known = Buffer.alloc(0);
  #length = 0;
  #fields: readonly Field[] = [];

  constructor(limits: SectionLimits, parseLine = parseField) {
    this.#limits = limits;
    this.#parseField = parseLine;
    this.#section = new SectionReader(limits);
  }

  /**
   * @returns an empty start line for an empty line; undefined: push more
   * @throws HttpSyntaxError as SectionReader and the parser of field lines do
   */
  read(input: Input): HeadLines | undefined {
    const startLine = this.#section.isFresh ? this.#startLineOfKnown(input) : undefined;
    if (startLine !== undefined) return { startLine, fields: this.#fields };
    return this.#readAnew(input);
  }

  /** The start line of a head with the fields that are known, which is then used. */
  #startLineOfKnown(input: Input): string | undefined {
    const { bytes, start } = input;
    const length = this.#length;
    const stop = Math.min(input.end, start + this.#limits.bytes) - length;
    if (length === 0 || stop <= start) return undefined;
    let lineFeed = start;
    while (lineFeed < stop && bytes[lineFeed] !== LF) lineFeed += 1;
    const lineEnd = bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
    const endsProperly = lineEnd < lineFeed || this.#limits.bareLineFeed;
    if (lineFeed === stop || lineEnd <= start || !endsProperly) return undefined;
    const from = lineFeed + 1;
    if (bytes.compare(this.#known, 0, length, from, from + length) !== 0) return undefined;
    input.start = from + length;
    return bytes.toString("latin1", start, lineEnd);
  }

  #readAnew(input: Input): HeadLines | undefined {
    const { start } = input;
    const section = this.#section.read(input);
    if (section === undefined) return undefined;
    const [startLine = "", ...fieldLines] = linesOf(section);
    const fields = fieldLines.map(this.#parseField);
    const from = start + section.indexOf("\n") + 1;
    if (from < input.start) this.#remember(input.bytes.subarray(from, input.start), fields);
    return { startLine, fields };
  }

  #remember(bytes: Buffer, fields: readonly Field[]): void {
    this.#length = bytes.length > KEPT_BYTES ? 0 : bytes.length;
    if (this.#known.length < this.#length) this.#known = Buffer.allocUnsafeSlow(this.#length);
    bytes.copy(this.#known, 0, 0, this.#length);
    this.#fields = fields;
  }
}
