import { StringDecoder } from "node:string_decoder";

/** Characters after which a line without an end is one. */
const LONGEST = 64 * 1024;

/** Bytes to lines; a carriage return ends a line, too, as progress bars write it. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  readonly #onLine: (line: string) => void;
  #open = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(bytes: Buffer): void {
    const lines = (this.#open + this.#decoder.write(bytes)).split(/\r?\n|\r/);
    this.#open = lines.pop() ?? "";
    for (const line of lines) this.#onLine(line);
    if (this.#open.length <= LONGEST) return;
    this.#onLine(this.#open);
    this.#open = "";
  }

  end(): void {
    const rest = this.#open + this.#decoder.end();
    this.#open = "";
    if (rest !== "") this.#onLine(rest);
  }
}
