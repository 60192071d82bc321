import { StringDecoder } from "node:string_decoder";

/** Characters of one line that are kept. */
const LONGEST_LINE = 1024 * 1024;

/**
 * The lines of a stream, without their LF. An endless line is cut: its beginning is given, with
 * the amount that was left out, and no more than that is ever held in memory.
 */
export async function* readLines(
  stream: AsyncIterable<unknown>,
  longest = LONGEST_LINE,
): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder("utf8");
  const line = new LongLine(longest);
  for await (const chunk of stream) {
    const parts = decoder.write(chunk as Buffer).split("\n");
    const last = parts.pop() ?? "";
    for (const part of parts) yield line.finish(part);
    line.add(last);
  }
  const rest = line.finish(decoder.end());
  if (rest !== "") yield rest;
}

/** One line as it comes in pieces. */
export class LongLine {
  readonly #longest: number;
  #pieces: string[] = [];
  #length = 0;
  #cut = 0;

  constructor(longest = LONGEST_LINE) {
    this.#longest = longest;
  }

  add(text: string): void {
    const fits = text.slice(0, this.#longest - this.#length);
    if (fits !== "") this.#pieces.push(fits);
    this.#length += fits.length;
    this.#cut += text.length - fits.length;
  }

  /** The whole line, which ends with this text; the next begins. */
  finish(text: string): string {
    this.add(text);
    const told = this.#cut === 0 ? "" : `… (${this.#cut} more characters)`;
    const whole = this.#pieces.join("") + told;
    this.#pieces = [];
    this.#length = 0;
    this.#cut = 0;
    return whole.endsWith("\r") ? whole.slice(0, -1) : whole;
  }
}
