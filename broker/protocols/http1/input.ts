/**
 * The bytes that a parser has been given and not used: at most one incomplete line is kept
 * from one push to the next, so what a slow sender can make us hold is the line limit.
 */
export class Input {
  #bytes: Buffer = Buffer.alloc(0);
  #partialLine = "";

  /** Call only when everything before has been used up (both `read` methods say so). */
  push(bytes: Buffer): void {
    this.#bytes = bytes;
  }

  /** Bytes of the incomplete line. */
  get partialLineLength(): number {
    return this.#partialLine.length;
  }

  /**
   * @returns a line with its LF, one character per byte (latin1), or undefined: push more
   */
  readLine(): string | undefined {
    const lineFeed = this.#bytes.indexOf(0x0a);
    const end = lineFeed === -1 ? this.#bytes.length : lineFeed + 1;
    const text = this.#partialLine + this.#bytes.toString("latin1", 0, end);
    this.#bytes = this.#bytes.subarray(end);
    this.#partialLine = lineFeed === -1 ? text : "";
    return lineFeed === -1 ? undefined : text;
  }

  /** @returns between 1 and `max` bytes, or undefined: push more */
  readBytes(max: number): Buffer | undefined {
    if (this.#bytes.length === 0) return undefined;
    const bytes = this.#bytes.subarray(0, max);
    this.#bytes = this.#bytes.subarray(bytes.length);
    return bytes;
  }
}
