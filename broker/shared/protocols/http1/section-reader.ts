import type { Input } from "./input.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

export interface SectionLimits {
  readonly bytes: number;
  readonly lines: number;
  /**
   * Whether LF without CR ends a line too (RFC 9112 §2.2 allows it to recipients; a request
   * smuggler lives on hops that differ about it).
   */
  readonly bareLineFeed: boolean;
}

const CR = 0x0d;
const LF = 0x0a;

/**
 * Finds the empty line behind a head or a trailer section. Each byte is looked at once, however
 * the stream is cut; what it looks at stays in the input until the section is complete.
 */
export class SectionReader {
  readonly #limits: SectionLimits;
  /** Bytes of the section that have been looked at. */
  #seen = 0;
  /** Offset in the section of the line that is being looked at. */
  #line = 0;
  #lines = 0;

  constructor(limits: SectionLimits) {
    this.#limits = limits;
  }

  /** True when no byte of a section has been looked at. */
  get isFresh(): boolean {
    return this.#seen === 0;
  }

  /**
   * @returns the lines with their terminators, the empty last one included, one character per
   *          byte (latin1); undefined: push more
   * @throws HttpSyntaxError 431 above the limits, 400 for a bare LF that is not allowed
   */
  read(input: Input): string | undefined {
    const { bytes, start, end } = input;
    const limit = this.#limits.bytes;
    const stop = Math.min(end, start + limit);
    for (let at = start + this.#seen; at < stop; at += 1) {
      if (bytes[at] !== LF) continue;
      const lineStart = start + this.#line;
      const closed = at > lineStart && bytes[at - 1] === CR;
      if (!closed && !this.#limits.bareLineFeed) {
        throw new HttpSyntaxError(400, "a line ends with LF without CR");
      }
      if (at === lineStart || (closed && at - 1 === lineStart)) {
        this.#seen = this.#line = this.#lines = 0;
        input.start = at + 1;
        return bytes.toString("latin1", start, at + 1);
      }
      this.#lines += 1;
      // The empty last line is not counted, hence the early return above.
      if (this.#lines > this.#limits.lines) {
        throw new HttpSyntaxError(431, `more than ${this.#limits.lines} lines of header fields`);
      }
      this.#line = at + 1 - start;
    }
    this.#seen = stop - start;
    if (this.#seen >= limit) {
      throw new HttpSyntaxError(431, `more than ${limit} bytes of header fields`);
    }
    return undefined;
  }
}

/** The lines of a section without their terminators, the empty last one left out. */
export function linesOf(section: string): string[] {
  const lines = section.split("\n");
  // Behind the last LF there is nothing, and before it the empty line.
  lines.length -= 2;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (line.charCodeAt(line.length - 1) === CR) lines[at] = line.slice(0, -1);
  }
  return lines;
}
