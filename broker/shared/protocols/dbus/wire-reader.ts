import { isUtf8 } from "node:buffer";
import { MalformedMessage } from "./malformed-message.ts";
import { isObjectPath } from "./names.ts";

/**
 * Reads values of one message, in its byte order. Positions and alignment count from the message's
 * first byte; no byte beyond `end` is read.
 */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #littleEndian: boolean;
  position: number;
  readonly end: number;

  /** @param start offset of the message in `bytes`; `position` and `end` are relative to it */
  constructor(bytes: Buffer, start: number, littleEndian: boolean, position: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#littleEndian = littleEndian;
    this.position = position;
    this.end = end;
  }

  /** Pass over padding, which must be zero (specification, "Marshaling"). */
  align(size: number): void {
    const aligned = (this.position + size - 1) & -size;
    if (aligned > this.end) throw tooShort();
    for (; this.position < aligned; this.position += 1) {
      if (this.#bytes[this.#start + this.position] !== 0) {
        throw new MalformedMessage("padding that is not zero");
      }
    }
  }

  byte(): number {
    if (this.position >= this.end) throw tooShort();
    const value = this.#bytes[this.#start + this.position];
    this.position += 1;
    return value ?? 0;
  }

  uint32(): number {
    this.align(4);
    const at = this.#start + this.position;
    this.skip(4);
    return this.#littleEndian ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  skip(size: number): void {
    if (size > this.end - this.position) throw tooShort();
    this.position += size;
  }

  /** A string that must be a name or a path, read with one character for each byte. */
  ascii(): string {
    return this.#text(this.uint32(), "latin1");
  }

  string(): string {
    const length = this.uint32();
    const from = this.#start + this.position;
    const text = this.#text(length, "utf8");
    // Decoding puts this character where bytes are not UTF-8; it may also be in the text itself.
    if (text.includes("\ufffd") && !isUtf8(this.#bytes.subarray(from, from + length))) {
      throw new MalformedMessage("a string that is not UTF-8");
    }
    return text;
  }

  objectPath(): string {
    const path = this.ascii();
    if (!isObjectPath(path)) throw new MalformedMessage("an invalid object path");
    return path;
  }

  /** A signature, unchecked: signature.ts checks it. */
  signature(): string {
    return this.#text(this.byte(), "latin1");
  }

  #text(length: number, encoding: "latin1" | "utf8"): string {
    const from = this.#start + this.position;
    this.skip(length);
    if (this.byte() !== 0) throw new MalformedMessage("a string without its NUL");
    const text = this.#bytes.toString(encoding, from, from + length);
    if (text.includes("\0")) throw new MalformedMessage("a string with a NUL inside");
    return text;
  }
}

function tooShort(): MalformedMessage {
  return new MalformedMessage("a value that goes beyond its end");
}
