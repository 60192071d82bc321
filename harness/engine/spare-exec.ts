import { PvhError } from "../errors.ts";
import { shellQuote } from "../shell-quote.ts";
import { within } from "../within.ts";
import { CANNOT_START } from "./exec.ts";
import type { HijackedExec } from "./exec.ts";

/** Beginning of the command line of a shell that waits for its command. */
export const WAITING = "sh -c pvh_waits=";

/**
 * A shell that reads the number of lines of a script, then the script, and runs it. `read` takes no byte
 * behind a line (POSIX, read), so that what follows is the command's own input.
 */
const WAIT = `pvh_waits=; read -r pvh_lines || exit 0
while [ "$pvh_lines" -gt 0 ]; do
  IFS= read -r pvh_line || exit 0
  pvh_waits="$pvh_waits$pvh_line
"
  pvh_lines=$((pvh_lines - 1))
done
eval "$pvh_waits"`;

/**
 * An exec that is started before its command is known: the engine takes some 60 ms to start one, and this
 * one becomes the command at once. There is one at most.
 */
export class SpareExec {
  readonly #start: (argv: readonly string[]) => Promise<HijackedExec>;
  #spare: Promise<Spare | undefined> | undefined;

  /** @param start starts an exec with its streams */
  constructor(start: (argv: readonly string[]) => Promise<HijackedExec>) {
    this.#start = start;
  }

  /** Begin to start one, unless there is one. */
  prepare(): void {
    // One that cannot be started is none: the exec that is started instead tells why.
    this.#spare ??= this.#start(["sh", "-c", WAIT]).then(hold, () => undefined);
  }

  /**
   * Run a command in the one that was prepared.
   * @returns undefined when there is none
   * @throws PvhError PVH_ABORTED
   */
  async take(
    argv: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<HijackedExec | undefined> {
    const prepared = this.#spare;
    this.#spare = undefined;
    if (prepared === undefined) return undefined;
    const aborted = (): Error => new PvhError("PVH_ABORTED", `cancelled: ${argv.join(" ")}`);
    const spare = await within(signal ?? NEVER, prepared, aborted).catch((error: unknown) => {
      discard(prepared);
      throw error;
    });
    const exec = spare?.release();
    exec?.socket.write(commandOf(argv));
    return exec;
  }

  close(): void {
    if (this.#spare !== undefined) discard(this.#spare);
    this.#spare = undefined;
  }
}

const NEVER = new AbortController().signal;

interface Spare {
  readonly exec: HijackedExec;
  /** @returns undefined when the shell has ended meanwhile */
  release(): HijackedExec | undefined;
}

/** Look after an exec that nobody reads: it says nothing before it is told its command. */
function hold(exec: HijackedExec): Spare {
  const { socket } = exec;
  let isGone = false;
  const gone = (): void => {
    isGone = true;
    socket.destroy();
  };
  socket.on("data", gone).on("end", gone).on("error", gone).on("close", gone);
  // It keeps no process alive.
  socket.unref();
  return {
    exec,
    release() {
      if (isGone) return undefined;
      socket.off("data", gone).off("end", gone).off("error", gone).off("close", gone);
      socket.pause();
      socket.ref();
      return exec;
    },
  };
}

function discard(spare: Promise<Spare | undefined>): void {
  void spare.then((one) => one?.exec.socket.destroy());
}

/** @returns what the shell reads; it says as the engine does that there is no such command */
function commandOf(argv: readonly string[]): string {
  const [program = ""] = argv;
  const missing = shellQuote(`${CANNOT_START}: ${program}: not found`);
  const script = [
    `command -v ${shellQuote(program)} >/dev/null || { printf %s ${missing}; exit 127; }`,
    `exec ${argv.map(shellQuote).join(" ")}`,
  ].join("\n");
  return `${script.split("\n").length}\n${script}\n`;
}
