import { PvhError } from "../errors.ts";

/** Bytes of one answer of an image, a container or pv-ctrl that pvh reads. */
export const MOST_BYTES = 16 * 1024 * 1024;

/** Collects chunks up to a limit, so that endless output of a hostile image cannot fill memory. */
export class BoundedBytes {
  readonly #limit: number;
  /** One buffer that doubles: a million chunks of two bytes cost two million bytes. */
  #buffer = Buffer.alloc(0);
  #length = 0;
  #cut = 0;

  constructor(limit = MOST_BYTES) {
    this.#limit = limit;
  }

  /** Bytes that did not fit. */
  get cut(): number {
    return this.#cut;
  }

  get length(): number {
    return this.#length;
  }

  /** @returns false once something did not fit */
  push(chunk: Uint8Array): boolean {
    const fits = chunk.subarray(0, this.#limit - this.#length);
    const length = this.#length + fits.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.set(fits, this.#length);
    this.#length = length;
    this.#cut += chunk.length - fits.length;
    return this.#cut === 0;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

/**
 * Everything that a stream gives.
 * @param what the stream, as the error names it
 * @throws PvhError PVH_TOO_MUCH beyond the limit
 */
export async function readBounded(
  stream: AsyncIterable<unknown>,
  what: string,
  limit = MOST_BYTES,
): Promise<Buffer> {
  const bytes = new BoundedBytes(limit);
  for await (const chunk of stream) {
    if (!bytes.push(chunk as Uint8Array)) throw tooMuch(what, bytes);
  }
  return bytes.bytes();
}

/** The error for what does not fit, with the beginning of it. */
export function tooMuch(what: string, bytes: BoundedBytes): PvhError {
  const beginning = bytes.bytes().subarray(0, 100).toString("utf8");
  const most = `${Math.round(bytes.length / 1024)} KiB`;
  return new PvhError("PVH_TOO_MUCH", `${what}: more than ${most}; it begins: ${beginning}`);
}
