import { ExportError } from "./export-error.ts";

/** Pieces of a stream in the sizes that a tar reader asks for; it holds one chunk at most. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #limit: number;
  #chunk: Uint8Array = new Uint8Array();
  #read = 0;

  /** @param limit bytes of the whole stream */
  constructor(source: AsyncIterable<Uint8Array>, limit: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#limit = limit;
  }

  /** At most `length` bytes of what is at hand; undefined at the end of the stream. */
  async some(length: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return undefined;
      this.#chunk = next.value;
      this.#read += next.value.length;
      if (this.#read > this.#limit) throw new ExportError(`holds more than ${this.#limit} bytes`);
    }
    const part = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }

  /** `length` bytes, fewer only at the end of the stream. */
  async upTo(length: number): Promise<Uint8Array> {
    const first = (await this.some(length)) ?? new Uint8Array();
    if (first.length === length || first.length === 0) return first;
    const pieces = [first];
    let missing = length - first.length;
    while (missing > 0) {
      const piece = await this.some(missing);
      if (piece === undefined) break;
      pieces.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  /**
   * `length` bytes of a member as they come.
   * @throws ExportError when the stream ends before
   */
  async *content(length: number, member: string): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0;) {
      const part = await this.some(left);
      if (part === undefined) throw new ExportError("is truncated", member);
      left -= part.length;
      yield part;
    }
  }
}
