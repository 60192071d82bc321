import { clock } from "../../harness/clock/clock.ts";
import { commandFailed } from "../../harness/appengine/command-result.ts";
import { pythonArgv } from "../../harness/appengine/python.ts";
import type { PythonProgram } from "../../harness/appengine/python.ts";
import { LastWords } from "../../harness/engine/last-words.ts";
import { readLines } from "../../harness/engine/read-lines.ts";
import type { ExecStream, StreamOptions } from "../../harness/engine/streams.ts";
import { PvhError } from "../../harness/errors.ts";

/** Where a program runs: an appengine, or a container in it. */
interface Host {
  readonly name: string;
  stream(argv: readonly string[], options?: StreamOptions): Promise<ExecStream>;
  /** Why it has ended, when the host is the reason. */
  whyDown?(): Promise<PvhError | undefined>;
}

/** A program that runs in a container while a check talks to it, line by line. */
export class Program implements AsyncDisposable {
  readonly #host: Host;
  readonly #stream: ExecStream;
  readonly #lines: AsyncIterator<string>;
  readonly #stderr: LastWords;
  readonly #what: string;
  /** The line that a line() which timed out was waiting for. */
  #next: Promise<IteratorResult<string>> | undefined;
  /** The last line that it printed. */
  #said: string | undefined;

  private constructor(host: Host, stream: ExecStream, stderr: LastWords, what: string) {
    this.#host = host;
    this.#stream = stream;
    this.#stderr = stderr;
    this.#what = what;
    this.#lines = readLines(stream);
  }

  /** @param what the program, as errors name it */
  static async start(host: Host, argv: readonly string[], what = argv.join(" ")): Promise<Program> {
    const stderr = new LastWords();
    const stream = await host.stream(argv, { onStderr: (line) => stderr.add(line) });
    return new Program(host, stream, stderr, what);
  }

  /** Start a Python program; the examples' root filesystem carries Python 3 and `probes`. */
  static python(host: Host, program: PythonProgram): Promise<Program> {
    return Program.start(host, pythonArgv(program), `${program.name} in ${host.name}`);
  }

  /**
   * The next line that it prints.
   * @param timeout milliseconds of given time
   * @throws PvhError PVH_TIMEOUT when it prints none in time; PVH_COMMAND when it has ended, with
   *         its exit status and the end of its stderr; what ended its container
   */
  async line(timeout = 5_000): Promise<string> {
    using deadline = clock.deadline(timeout);
    this.#next ??= this.#lines.next();
    const late = new Promise<undefined>((resolve) => {
      deadline.signal.addEventListener("abort", () => resolve(undefined));
    });
    const next = await Promise.race([this.#next, late]);
    if (next === undefined) {
      const wait = { missing: `a line of ${this.#what}`, ms: deadline.ms };
      const seen = { from: this.#what, lines: [this.#said ?? "nothing"] };
      throw deadline.error(
        `${this.#what} printed nothing for ${deadline.ms} ms${this.#stderr.toString()}`,
        undefined,
        { ...wait, seen },
      );
    }
    this.#next = undefined;
    if (next.done === true) throw await this.#ended();
    this.#said = next.value;
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
    const line = await this.line(timeout);
    try {
      return JSON.parse(line) as unknown;
    } catch (cause) {
      const words = `${line.slice(0, 200)}${this.#stderr.toString()}`;
      throw new PvhError("PVH_COMMAND", `${this.#what} printed no JSON: ${words}`, { cause });
    }
  }

  /** A line to its stdin. */
  say(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stream.destroy();
    return Promise.resolve();
  }

  async #ended(): Promise<PvhError> {
    const status = await this.#stream.exitCode();
    const down = status === 0 ? undefined : await this.#host.whyDown?.();
    if (down !== undefined) return down;
    return commandFailed(`${this.#what} ended without a line`, status, this.#stderr.toString());
  }
}
