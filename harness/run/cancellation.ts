import { readFileSync, renameSync, watch, writeFileSync } from "node:fs";
import type { FSWatcher } from "node:fs";
import { join } from "node:path";
import { ENDING } from "../ending.ts";

const FILE = ".cancelled";

/**
 * How the parent tells its workers to stop: a file in the run directory, which a worker that
 * starts too late to be told finds as well. The file tells when it was.
 */
export class Cancellation {
  readonly #controller = new AbortController();
  readonly #evidence = new AbortController();
  readonly #watcher: FSWatcher;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string) {
    this.#watcher = watch(folder, { persistent: false }, (_kind, name) => {
      if (name === FILE) this.#look(join(folder, FILE));
    });
    this.#look(join(folder, FILE));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Fires when the time for evidence of a cancelled run is over. */
  get evidenceOver(): AbortSignal {
    return this.#evidence.signal;
  }

  close(): void {
    this.#watcher.close();
    clearTimeout(this.#timer);
  }

  #look(path: string): void {
    if (this.#controller.signal.aborted) return;
    let since: number;
    try {
      since = now() - Number(readFileSync(path, "utf8"));
    } catch {
      return;
    }
    const over = (): void => this.#evidence.abort(new Error("the run was cancelled"));
    this.#timer = setTimeout(over, Math.max(0, ENDING.evidence - since)).unref();
    this.#controller.abort(new Error("cancelled"));
  }
}

/** Never throws: on a full disk workers are not told, and the run ends without them. */
export function cancelRun(folder: string): void {
  const draft = join(folder, `${FILE}.draft`);
  try {
    writeFileSync(draft, String(now()));
    renameSync(draft, join(folder, FILE));
  } catch {
    return;
  }
}

/** Milliseconds of CLOCK_MONOTONIC, which is the same in every process of a machine. */
function now(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
