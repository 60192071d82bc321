import { Duplex } from "node:stream";
import type { Container, Exec } from "dockerode";
import { engineError } from "./engine-error.ts";
import type { Socket } from "node:net";
import { PvhError } from "../errors.ts";
import { until } from "../until.ts";
import { Demultiplexer } from "./demux.ts";
import { CANNOT_START, startExec } from "./exec.ts";
import type { HijackedExec } from "./exec.ts";
import { LongLine } from "./read-lines.ts";

export interface StreamOptions {
  /** Callback for each line of the command's stderr; endless lines are cut. Default: none. */
  readonly onStderr?: (line: string) => void;
  /** Variables `NAME=value` besides the container's. */
  readonly environment?: readonly string[];
  /** Signal that cancels the start of the command; destroy() ends a stream that is open. */
  readonly signal?: AbortSignal;
}

/**
 * Start a command in a container and get its stdin and stdout as one stream, for example
 * `["nc", "-U", "/run/pantavisor/pv/pv-ctrl"]`.
 *
 * `end()` closes the command's stdin and nothing else; reading ends when its stdout does, and
 * fails with PVH_NO_PROGRAM when there is no such command.
 *
 * @throws PvhError when the container is gone
 */
export async function openStream(
  container: Container,
  argv: readonly string[],
  options: StreamOptions = {},
): Promise<ExecStream> {
  const { signal, environment } = options;
  return new ExecStream(await startExec(container, argv, signal, environment), options);
}

/** Characters of a line of stderr that are kept. */
const LONGEST_LINE = 16_384;

export class ExecStream extends Duplex {
  readonly #exec: Exec;
  readonly #socket: Socket;
  readonly #subject: string;

  constructor({ exec, socket, subject }: HijackedExec, { onStderr }: StreamOptions = {}) {
    super({ allowHalfOpen: true });
    this.#exec = exec;
    this.#socket = socket;
    this.#subject = subject;
    const stderr = new LongLine(LONGEST_LINE);
    /** The engine's own words instead of the command's, which never ran. */
    let refusal: Buffer | undefined;
    let begun = false;
    const demultiplexer = new Demultiplexer((stream, payload) => {
      if (stream === 1) {
        const refused = !begun && payload.toString("latin1", 0, 100).startsWith(CANNOT_START);
        const output = Buffer.concat([refusal ?? Buffer.alloc(0), payload]);
        begun = true;
        // A refusal is one payload and nothing more: further output means that a command runs.
        refusal = refused ? output : undefined;
        if (refusal === undefined && !this.push(output)) socket.pause();
        return;
      }
      const lines = payload.toString().split("\n");
      const unfinished = lines.pop() ?? "";
      for (const line of lines) onStderr?.(stderr.finish(line));
      stderr.add(unfinished);
    });
    socket.on("data", (chunk: Buffer) => demultiplexer.push(chunk));
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      const last = stderr.finish("");
      if (last !== "") onStderr?.(last);
      if (refusal === undefined) this.push(null);
      else void this.#refused(refusal);
    };
    socket.once("end", end);
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", end);
  }

  /** A command may print the same words: only exit status 126 or 127 shows a refusal. */
  async #refused(words: Buffer): Promise<void> {
    const status = await this.exitCode().catch(() => 127);
    if (status === 126 || status === 127) {
      this.destroy(new PvhError("PVH_NO_PROGRAM", words.toString("utf8").trim()));
      return;
    }
    this.push(words);
    this.push(null);
  }

  /**
   * Exit code of the command. The engine learns of the end of a command shortly after its output
   * ends; a command that runs on without output has none.
   *
   * @throws PvhError of the engine naming the command and its container
   */
  exitCode({ timeout = 10_000 }: { readonly timeout?: number } = {}): Promise<number> {
    return until(
      `the exit code of ${this.#subject}`,
      async () => {
        const { Running, ExitCode } = await this.#exec.inspect().catch((error: unknown) => {
          throw engineError(error, this.#subject);
        });
        return Running || ExitCode === null ? undefined : { ExitCode };
      },
      { timeout, every: 5, code: "PVH_ENGINE" },
    ).then(({ ExitCode }) => ExitCode);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
