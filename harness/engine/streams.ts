import { Duplex } from "node:stream";
import type { Container, Exec } from "dockerode";
import { engineError } from "./engine-error.ts";
import type { Socket } from "node:net";
import { until } from "../until.ts";
import { Demultiplexer } from "./demux.ts";
import { startExec } from "./exec.ts";
import type { HijackedExec } from "./exec.ts";

export interface StreamOptions {
  /** Told each line of the command's stderr; default: nobody is. */
  readonly onStderr?: (line: string) => void;
  /** Cancels the start of the command; a stream that is open is ended by destroy(). */
  readonly signal?: AbortSignal;
}

/**
 * Start a command in a container and get its stdin and stdout as one stream, for example
 * `["nc", "-U", "/run/pantavisor/pv/pv-ctrl"]`.
 *
 * `end()` closes the command's stdin and nothing else; reading ends when its stdout does.
 *
 * @throws PvhError when the container is gone or the command does not exist
 */
export async function openStream(
  container: Container,
  argv: readonly string[],
  options: StreamOptions = {},
): Promise<ExecStream> {
  return new ExecStream(await startExec(container, argv, options.signal), options);
}

export class ExecStream extends Duplex {
  readonly #exec: Exec;
  readonly #socket: Socket;
  readonly #subject: string;

  constructor({ exec, socket, subject }: HijackedExec, { onStderr }: StreamOptions = {}) {
    super({ allowHalfOpen: true });
    this.#exec = exec;
    this.#socket = socket;
    this.#subject = subject;
    let unfinished = "";
    const demultiplexer = new Demultiplexer((stream, payload) => {
      if (stream === 1) {
        if (!this.push(payload)) socket.pause();
        return;
      }
      const lines = (unfinished + payload.toString()).split("\n");
      unfinished = lines.pop() ?? "";
      for (const line of lines) onStderr?.(line);
    });
    socket.on("data", (chunk: Buffer) => demultiplexer.push(chunk));
    socket.once("end", () => {
      if (unfinished !== "") onStderr?.(unfinished);
      this.push(null);
    });
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => {
      if (!this.readableEnded) this.push(null);
    });
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
