import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { PvhError } from "../../harness/errors.ts";

/** A program that runs in a container while a check talks to it, line by line. */
export class Program implements AsyncDisposable {
  readonly #stream: Duplex;
  readonly #lines: AsyncIterator<string>;
  readonly #what: string;

  constructor(stream: Duplex, what: string) {
    this.#stream = stream;
    this.#what = what;
    this.#lines = createInterface({ input: stream })[Symbol.asyncIterator]();
  }

  /** Start Python source in a container; the examples' root filesystem carries Python 3. */
  static async python(container: InsideContainer, source: string): Promise<Program> {
    const stream = await container.stream(["python3", "-u", "-c", source]);
    return new Program(stream, `python in ${container.name}`);
  }

  /**
   * The next line that it prints.
   * @param timeout milliseconds
   * @throws PvhError PVH_TIMEOUT when it prints none in time, or has ended
   */
  async line(timeout = 5_000): Promise<string> {
    const timer = new Promise<undefined>((resolve) => {
      AbortSignal.timeout(timeout).addEventListener("abort", () => resolve(undefined));
    });
    const next = await Promise.race([this.#lines.next(), timer]);
    if (next === undefined) {
      throw new PvhError("PVH_TIMEOUT", `${this.#what} printed nothing for ${timeout} ms`);
    }
    if (next.done === true) throw new PvhError("PVH_TIMEOUT", `${this.#what} ended without a line`);
    return next.value;
  }

  /** The lines up to the first that matches, which is the last of them. */
  async linesUntil(pattern: RegExp, timeout?: number): Promise<string[]> {
    const lines: string[] = [];
    do lines.push(await this.line(timeout));
    while (!pattern.test(lines.at(-1) ?? ""));
    return lines;
  }

  /** The next line, parsed as JSON. */
  async json(timeout?: number): Promise<unknown> {
    return JSON.parse(await this.line(timeout)) as unknown;
  }

  /** A line to its stdin. */
  say(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stream.destroy();
    return Promise.resolve();
  }
}
