import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import type { Container } from "dockerode";
import { clock } from "../clock/clock.ts";
import { debugLog, millisecondsSince } from "../debug.ts";
import { PvhError } from "../errors.ts";
import { messageOfThrown } from "../thrown.ts";
import { within } from "../within.ts";
import { MOST_BYTES } from "./bounded.ts";
import { Demultiplexer } from "./demux.ts";
import { CANNOT_START, startExec } from "./exec.ts";
import { frame, MarkerReader } from "./shell-frame.ts";
import { openStream } from "./streams.ts";

export interface ShellResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface ShellOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds of given time from the moment the command starts; default 30 s. */
  readonly timeout?: number;
  readonly stdin?: Buffer;
}

/** A POSIX sh with its streams: what a channel talks to. */
export interface Shell {
  /** Writes are its stdin, reads its stdout and stderr, multiplexed as Docker does it. */
  readonly socket: Duplex;
  /** End the command that runs in it, and the shell. */
  kill(): Promise<void>;
}

/**
 * A shell in a container that stays open: a command costs about 1 ms instead of the 50 ms of an
 * exec of its own.
 *
 * Commands run one after the other, each in a subshell: `cd`, `exit` and variables stay inside.
 * A process that a script leaves in the background must have its output redirected; otherwise
 * that output ends up in the output of later commands.
 */
export class ShellChannel {
  readonly #open: (signal: AbortSignal) => Promise<Shell>;
  readonly #closing = new AbortController();
  readonly #debug = debugLog("shell");
  #shell: Shell | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  /** Commands that run or wait. */
  #pending = 0;

  /** @param open is not called before the first command */
  constructor(open: (signal: AbortSignal) => Promise<Shell>) {
    this.#open = open;
  }

  /** A shell is open, and no command runs or waits. */
  get isIdle(): boolean {
    return this.#shell !== undefined && this.#pending === 0;
  }

  /**
   * Run a script of POSIX sh.
   *
   * @throws PvhError PVH_TIMEOUT (what it had written is in the message), PVH_TOO_MUCH or
   *         PVH_ABORTED, after which the command is dead and the next run() opens a new shell;
   *         PVH_ENGINE when the container goes away, PVH_ENGINE_UNREACHABLE when the engine
   *         does not start a shell in time. An exit status is a result, never an error.
   */
  run(script: string, options: ShellOptions = {}): Promise<ShellResult> {
    this.#pending += 1;
    const result = this.#queue
      .then(() => this.#runTold(script, options))
      .finally(() => (this.#pending -= 1));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Close the shell; a command that runs is killed, those that wait are refused. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#queue;
    // Without stdin an idle shell ends by itself.
    this.#shell?.socket.destroy();
    this.#shell = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #runTold(script: string, options: ShellOptions): Promise<ShellResult> {
    const begun = performance.now();
    try {
      const result = await this.#runNow(script, options);
      this.#debug?.(`exit ${result.exitCode}, ${millisecondsSince(begun)} ms: ${brief(script)}`);
      return result;
    } catch (error) {
      this.#debug?.(`${messageOfThrown(error)}, ${millisecondsSince(begun)} ms`);
      throw error;
    }
  }

  async #runNow(script: string, options: ShellOptions): Promise<ShellResult> {
    const { timeout = 30_000, stdin } = options;
    const signal = AbortSignal.any([
      this.#closing.signal,
      ...(options.signal ? [options.signal] : []),
    ]);
    if (signal.aborted) throw aborted(script);
    const shell = (this.#shell ??= await this.#openInTime(signal, script));
    try {
      return await exchange(shell.socket, { script, timeout, signal, ...(stdin && { stdin }) });
    } catch (error) {
      // After any failure the position in the shell's streams is unknown, so it is not used again.
      this.#shell = undefined;
      shell.socket.destroy();
      await shell.kill();
      throw error;
    }
  }

  /** A shell that comes too late is closed when it comes. */
  async #openInTime(signal: AbortSignal, script: string): Promise<Shell> {
    using deadline = clock.deadline(OPENING);
    const opening = this.#open(signal);
    try {
      return await within(AbortSignal.any([signal, deadline.signal]), opening, () =>
        signal.aborted ? aborted(script) : engineLate(script),
      );
    } catch (error) {
      opening.then(
        (shell) => shell.socket.destroy(),
        () => undefined,
      );
      throw error;
    }
  }
}

/** Milliseconds in which the engine starts a shell. */
const OPENING = 30_000;

interface Command extends ShellOptions {
  readonly script: string;
  readonly timeout: number;
}

/** Send one command to the shell and wait for both of its markers. */
function exchange(socket: Duplex, command: Command): Promise<ShellResult> {
  const { script, timeout, signal, stdin } = command;
  const nonce = randomBytes(16).toString("hex");
  const deadline = clock.deadline(timeout);
  return new Promise((resolve, reject) => {
    const stdout = new MarkerReader(nonce, true);
    const stderr = new MarkerReader(nonce, false);
    const demultiplexer = new Demultiplexer((stream, payload) => {
      (stream === 1 ? stdout : stderr).push(payload);
    });
    const onData = (chunk: Buffer) => {
      demultiplexer.push(chunk);
      if (stdout.done && stderr.done) settle();
      else if (stdout.length + stderr.length > MOST_BYTES) settle(endless(script, stdout.output));
    };
    const onClose = () => {
      const why = socket.errored;
      const gone = () => wentAway(script, stdout.output.toString("utf8", 0, 500));
      settle(why instanceof PvhError ? why : gone());
    };
    const onAbort = () => settle(aborted(script));
    const onLate = () => {
      const said = `${ending(stdout.output)}${ending(stderr.output)}`.trim().slice(-300);
      const words = said === "" ? "" : `; it had said: ${said}`;
      settle(deadline.error(`not done after ${deadline.ms} ms: ${brief(script)}${words}`));
    };
    deadline.signal.addEventListener("abort", onLate);
    signal?.addEventListener("abort", onAbort);
    socket.on("data", onData).on("close", onClose).on("end", onClose);
    if (socket.destroyed || socket.readableEnded) onClose();
    else socket.write(frame(script, nonce, stdin));

    function settle(error?: PvhError): void {
      deadline[Symbol.dispose]();
      socket.off("data", onData).off("close", onClose).off("end", onClose);
      signal?.removeEventListener("abort", onAbort);
      if (error !== undefined) reject(error);
      else resolve({ exitCode: stdout.status ?? 0, stdout: stdout.output, stderr: stderr.output });
    }
  });
}

/** Milliseconds that a shell may take for its first word, and the killing of its processes. */
const PATIENCE_OPEN = 30_000;
const PATIENCE_KILL = 10_000;

/**
 * A shell in a container.
 * @param environment variables `NAME=value` besides the container's
 */
export async function openShell(
  container: Container,
  signal: AbortSignal,
  environment: readonly string[] = [],
): Promise<Shell> {
  // `sh -s WORD` reads commands from stdin; the word tells this shell from any other process.
  const word = randomBytes(16).toString("hex");
  const { socket, subject } = await startExec(container, ["sh", "-s", word], signal, environment);
  // An error always ends in a close, which the command that runs reports.
  socket.on("error", () => undefined);
  const hello = { script: "echo $$", timeout: PATIENCE_OPEN, signal };
  const { stdout } = await exchange(socket, hello).catch((error: unknown) => {
    socket.destroy();
    // PVH_TIMEOUT would blame the tested command; a silent shell is a fault of the engine.
    throw error instanceof PvhError && error.code === "PVH_TIMEOUT"
      ? new PvhError("PVH_ENGINE", `${subject}: the shell does not reply`, { cause: error })
      : error;
  });
  const pid = Number(stdout.toString());
  return { socket, kill: () => killTree(container, pid, word, environment) };
}

/**
 * Kill the shell and everything below it. A process left in the background belongs to the
 * container's init and lives on. Each process is stopped before its children are listed, so
 * that none escapes.
 */
async function killTree(
  container: Container,
  pid: number,
  word: string,
  environment: readonly string[],
): Promise<void> {
  const script = `
    kill_tree() {
      kill -STOP "$1" || return
      for child in $(cat /proc/$1/task/*/children 2>/dev/null || pgrep -P "$1"); do
        kill_tree "$child"
      done
      kill -KILL "$1"
    }
    grep -q ${word} /proc/${pid}/cmdline && kill_tree ${pid}`;
  try {
    const signal = AbortSignal.timeout(PATIENCE_KILL);
    const stream = await openStream(container, ["sh", "-c", script], { signal, environment });
    await finished(stream.end().resume(), { writable: false, signal });
  } catch {
    // The container is gone, and every process of it; or the engine hangs.
  }
}

function brief(script: string): string {
  const line = script.trim().replaceAll(/\s+/g, " ");
  return line.length > 120 ? `${line.slice(0, 120)}…` : line;
}

function ending(output: Buffer): string {
  return output.subarray(-300).toString();
}

/** The engine writes on the command's stdout why it could not start one. */
function wentAway(script: string, said: string): PvhError {
  if (said.startsWith(CANNOT_START)) return new PvhError("PVH_NO_PROGRAM", said.trim());
  return new PvhError("PVH_ENGINE", `the shell ended during: ${brief(script)}`);
}

function endless(script: string, output: Buffer): PvhError {
  const beginning = output.toString("utf8", 0, 100);
  return new PvhError(
    "PVH_TOO_MUCH",
    `printed more than ${MOST_BYTES >> 20} MiB, and was killed: ${brief(script)}; it began: ${beginning}`,
  );
}

function engineLate(script: string): PvhError {
  return new PvhError(
    "PVH_ENGINE_UNREACHABLE",
    `the engine starts no shell for: ${brief(script)}`,
    {
      hint: "pvh doctor",
    },
  );
}

function aborted(script: string): PvhError {
  return new PvhError("PVH_ABORTED", `cancelled: ${brief(script)}`);
}
