import type { PantavisorLog } from "./pantavisor-log.ts";

/**
 * Exit code after an error that nothing has caught: 128 and the number of SIGABRT, as a shell
 * tells of a program that aborts. pv-appengine takes it for a crash and boots again.
 */
export const CRASHED = 134;

/** Tells of the error that ends pantavisor, with its stack: on stderr, and in pantavisor.log. */
export class CrashReport {
  readonly #stderr: (text: string) => void;
  #log: PantavisorLog | undefined;

  constructor(stderr: (text: string) => void) {
    this.#stderr = stderr;
  }

  /** Write reports to pantavisor.log as well, which exists from here on. */
  writeTo(log: PantavisorLog): void {
    this.#log = log;
  }

  tell(error: unknown): void {
    for (const line of linesOf(error)) {
      attempt(() => this.#stderr(`pantavisor: ${line}\n`));
      attempt(() => this.#log?.write("ERROR", "crash", line));
    }
  }
}

/** Whatever escapes from now on ends this process as a crash does, with a report. */
export function crashOnStrayErrors(report: CrashReport): void {
  // An unhandled rejection comes here as well (process.md of Node, --unhandled-rejections).
  process.on("uncaughtException", (error: unknown) => {
    report.tell(error);
    process.exit(CRASHED);
  });
}

/** Lines that describe a thrown value, which need not be an Error, nor be printable. */
function linesOf(error: unknown): string[] {
  try {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `uncaught: ${text}`.split("\n").map((line) => line.trim());
  } catch {
    return ["uncaught: a value that cannot be printed"];
  }
}

/** A report that cannot be written must not keep the process from ending. */
function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // The other place may still get it.
  }
}
