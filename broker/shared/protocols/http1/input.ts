/**
 * The bytes that a parser has been given and has not used. Pushed bytes are borrowed: the caller
 * may reuse their memory after `keep`, which copies those that are left, at most an incomplete
 * line or section and everything that the parser was not asked for yet.
 */
export class Input {
  bytes: Buffer = NO_BYTES;
  /** Offset of the first unread byte. */
  start = 0;
  /** Offset behind the last byte. */
  end = 0;
  /** True when `bytes` is ours and may be appended to. */
  #own = false;

  push(bytes: Buffer): void {
    if (this.start === this.end) {
      this.bytes = bytes;
      this.start = 0;
      this.end = bytes.length;
      this.#own = false;
      return;
    }
    this.#reserve(bytes.length);
    bytes.copy(this.bytes, this.end);
    this.end += bytes.length;
  }

  /** Make what is left independent of the memory that was pushed. */
  keep(): void {
    if (this.start < this.end) this.#reserve(0);
    else this.bytes = NO_BYTES;
    if (this.start === this.end) this.start = this.end = 0;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** @returns between 1 and `max` bytes, valid until the caller reuses them; undefined: push more */
  take(max: number): Buffer | undefined {
    if (this.start === this.end || max === 0) return undefined;
    const to = Math.min(this.end, this.start + max);
    const taken = this.bytes.subarray(this.start, to);
    this.start = to;
    return taken;
  }

  /** Own memory with room for this many bytes more; doubled, so that a drip costs no square. */
  #reserve(more: number): void {
    const { length } = this;
    if (this.#own && this.end + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(512, this.#own ? 2 * length : 0, length + more));
    this.bytes.copy(grown, 0, this.start, this.end);
    this.bytes = grown;
    this.start = 0;
    this.end = length;
    this.#own = true;
  }
}

const NO_BYTES = Buffer.alloc(0);
