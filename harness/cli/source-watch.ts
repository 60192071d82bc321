import { existsSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { join } from "node:path";

/**
 * Milliseconds without a change after which a change is over: editors write in several steps. One that
 * takes longer is told as two.
 */
const SETTLED = 30;

/** Tells which files below some folders change. */
export class SourceWatch {
  readonly #watchers: FSWatcher[] = [];
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #settled: (() => void) | undefined;

  /** @param folders below the root; those that do not exist are left out */
  constructor(root: string, folders: readonly string[]) {
    for (const folder of folders) {
      if (!existsSync(join(root, folder))) continue;
      const watcher = watch(join(root, folder), { recursive: true }, (_kind, name) => {
        if (name !== null && isSource(name)) this.#note(`${folder}/${name}`);
      });
      // A folder that goes away changes no more.
      watcher.on("error", () => watcher.close());
      this.#watchers.push(watcher);
    }
  }

  /**
   * Waits for a change since the last one that was told.
   * @returns paths relative to the root; none when the signal fires
   */
  async next(signal: AbortSignal): Promise<readonly string[]> {
    if (this.#changed.size === 0 || this.#timer !== undefined) {
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    const changed = [...this.#changed].sort();
    this.#changed.clear();
    return signal.aborted ? [] : changed;
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #note(path: string): void {
    this.#changed.add(path);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#settled?.();
    }, SETTLED);
  }
}

/** Editors write beside the file: names that begin with a dot or end with `~`, numbers, `.swp`. Programs of a container have any name. */
function isSource(name: string): boolean {
  return /\.[a-z]+$|(^|\/)rootfs\//.test(name) && !/(^|\/)\.|~$|\.sw[a-z]$|\.tmp$/.test(name);
}
