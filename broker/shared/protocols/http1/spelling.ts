import { parseResponseField } from "./fields.ts";
import type { Field } from "./fields.ts";
import type { HeadLines } from "./head-reader.ts";

const CRLF = 2;
/** `HTTP/1.1 200 `: the space is there without a reason, too (RFC 9112 §4). */
const STATUS_BYTES = 13;
const BLANK = 0x20;

/** Follows how the fields of heads are spelt, without a second look at their bytes. */
export class Spelling {
  /** Bytes that the fields which were read last take when each line ends with CRLF. */
  #bytes = 0;
  #isPlain = true;
  #fields: readonly Field[] | undefined;
  #nextBytes = 0;
  #isNextPlain = true;

  parse(line: string): Field {
    const one = parseResponseField(line);
    const { name, value } = one;
    // Blanks around the value are not in it, so there is one, and it is before it.
    const isPlain =
      line.length === name.length + value.length + 2 && line.charCodeAt(name.length + 1) === BLANK;
    if (!isPlain) this.#isNextPlain = false;
    this.#nextBytes += line.length + CRLF;
    return one;
  }

  /** @param length bytes of the whole head */
  isPlain({ startLine, fields }: HeadLines, length: number): boolean {
    if (fields !== this.#fields) {
      this.#fields = fields;
      this.#bytes = this.#nextBytes;
      this.#isPlain = this.#isNextPlain;
      this.#nextBytes = 0;
      this.#isNextPlain = true;
    }
    if (!this.#isPlain || startLine.length < STATUS_BYTES) return false;
    return length === startLine.length + CRLF + this.#bytes + CRLF;
  }
}
