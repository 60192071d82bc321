/** Bytes of a line, terminator included; libdbus has the same limit (MAX_BUFFER). */
export const MAX_LINE_BYTES = 16 * 1024;

export type SaslInput =
  | { readonly type: "line"; readonly text: string }
  /** The sender does not speak SASL: close. */
  | { readonly type: "violation"; readonly reason: string };

/**
 * Cuts a connection's first bytes into lines, each ended by CRLF (D-Bus specification,
 * "Authentication Protocol"). Bytes behind the last line that was taken stay untouched: they
 * may be the first messages.
 */
export class SaslLineReader {
  #bytes: Buffer = Buffer.alloc(0);
  #nulExpected: boolean;

  /** @param options.nul true when one NUL byte must come first, as from a client */
  constructor(options: { readonly nul: boolean }) {
    this.#nulExpected = options.nul;
  }

  push(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
  }

  /** @returns the next line without its CRLF (latin1); undefined until more is pushed */
  next(): SaslInput | undefined {
    if (this.#bytes.length === 0) return undefined;
    if (this.#nulExpected) {
      if (this.#bytes[0] !== 0) return violation("the first byte is not NUL");
      this.#nulExpected = false;
      this.#bytes = this.#bytes.subarray(1);
    }
    const end = this.#bytes.indexOf("\r\n", 0, "latin1");
    if (end > MAX_LINE_BYTES - 2 || (end === -1 && this.#bytes.length >= MAX_LINE_BYTES)) {
      return violation(`a line of more than ${MAX_LINE_BYTES} bytes`);
    }
    if (end === -1) return undefined;
    const text = this.#bytes.toString("latin1", 0, end);
    this.#bytes = this.#bytes.subarray(end + 2);
    return { type: "line", text };
  }

  /** Bytes that were pushed and not taken. */
  get rest(): Buffer {
    return this.#bytes;
  }
}

function violation(reason: string): SaslInput {
  return { type: "violation", reason };
}
