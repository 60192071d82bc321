import type { Input } from "./input.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

/** Collects the lines of a head or a trailer section up to its empty line. */
export class SectionReader {
  readonly #limits: { readonly bytes: number; readonly lines: number };
  #lines: string[] = [];
  #bytes = 0;

  constructor(limits: { readonly bytes: number; readonly lines: number }) {
    this.#limits = limits;
  }

  /** True when a part of a section has been read. */
  begun(input: Input): boolean {
    return this.#bytes + input.partialLineLength > 0;
  }

  /**
   * @returns the lines with their terminators, the empty last one included; undefined: push more
   * @throws HttpSyntaxError 431 above the limits
   */
  read(input: Input): string[] | undefined {
    for (;;) {
      const line = input.readLine();
      if (this.#bytes + (line?.length ?? input.partialLineLength) > this.#limits.bytes) {
        throw new HttpSyntaxError(431, `more than ${this.#limits.bytes} bytes of header fields`);
      }
      if (line === undefined) return undefined;
      this.#bytes += line.length;
      this.#lines.push(line);
      if (line === "\r\n" || line === "\n") {
        const lines = this.#lines;
        this.#lines = [];
        this.#bytes = 0;
        return lines;
      }
      // The empty last line is not counted, hence the early return above.
      if (this.#lines.length > this.#limits.lines) {
        throw new HttpSyntaxError(431, `more than ${this.#limits.lines} lines of header fields`);
      }
    }
  }
}

/**
 * A line without its terminator.
 * @param bareLineFeed whether LF without CR ends a line too (RFC 9112 §2.2 allows it to
 *        recipients; a request smuggler lives on hops that differ about it)
 * @throws HttpSyntaxError 400 for a bare LF that is not allowed
 */
export function withoutTerminator(line: string, bareLineFeed: boolean): string {
  if (line.endsWith("\r\n")) return line.slice(0, -2);
  if (bareLineFeed) return line.slice(0, -1);
  throw new HttpSyntaxError(400, "a line ends with LF without CR");
}
