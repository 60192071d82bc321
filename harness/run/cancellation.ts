import { existsSync, watch, writeFileSync } from "node:fs";
import type { FSWatcher } from "node:fs";
import { join } from "node:path";

const FILE = ".cancelled";

/**
 * How the parent tells its workers to stop: a file in the run directory, which a worker that
 * starts too late to be told finds as well.
 */
export class Cancellation {
  readonly #controller = new AbortController();
  readonly #watcher: FSWatcher;

  constructor(folder: string) {
    const look = (): void => {
      if (existsSync(join(folder, FILE))) this.#controller.abort(new Error("cancelled"));
    };
    this.#watcher = watch(folder, { persistent: false }, (_kind, name) => {
      if (name === FILE) look();
    });
    look();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  close(): void {
    this.#watcher.close();
  }
}

export function cancelRun(folder: string): void {
  writeFileSync(join(folder, FILE), "");
}
