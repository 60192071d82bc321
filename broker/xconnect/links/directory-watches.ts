import { closeSync, fstatSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";

/** Events after which a directory is left to the poll: its container may make any number. */
const MAX_EVENTS = 1_000;
/** Milliseconds from an event to its report, so that events that come together are one report. */
const SETTLE = 50;

interface Watch {
  readonly watcher: FSWatcher;
  readonly names: Set<string>;
  events: number;
}

/**
 * Reports when names in containers' directories, or the directories themselves, are touched, by
 * inotify(7) with one watch per directory. A watch ends with its first report; `add` begins it
 * again.
 */
export class DirectoryWatches {
  readonly #watches = new Map<string, Watch>();
  readonly #onTouched: () => void;

  constructor(onTouched: () => void) {
    this.#onTouched = onTouched;
  }

  /**
   * @param directory O_PATH fd, which this closes
   * @param name name in that directory
   */
  add(directory: number, name: string): void {
    try {
      const { dev, ino } = fstatSync(directory, { bigint: true });
      const key = `${dev}:${ino}`;
      const known = this.#watches.get(key);
      if (known === undefined) this.#begin(key, directory, name);
      else known.names.add(name);
    } finally {
      closeSync(directory);
    }
  }

  close(): void {
    for (const key of [...this.#watches.keys()]) this.#end(key);
  }

  #begin(key: string, directory: number, name: string): void {
    let watcher: FSWatcher;
    try {
      // Watch the open directory by its magic link, so that no path of the container is resolved.
      watcher = watch(`/proc/self/fd/${directory}`);
    } catch {
      // Beyond fs.inotify.max_user_watches the directory is left to the poll.
      return;
    }
    // Events of the directory itself (moved, removed, unmounted) come under this name. The kernel's
    // watch may then have ended, and another directory may get the same numbers.
    const own = String(directory);
    const state: Watch = { watcher, names: new Set([name, own]), events: 0 };
    this.#watches.set(key, state);
    watcher.on("error", () => this.#end(key));
    watcher.on("change", (_event, touched) => {
      state.events += 1;
      if (typeof touched === "string" && state.names.has(touched)) {
        this.#end(key);
        setTimeout(this.#onTouched, SETTLE);
      } else if (state.events > MAX_EVENTS) {
        this.#end(key);
      }
    });
  }

  #end(key: string): void {
    this.#watches.get(key)?.watcher.close();
    this.#watches.delete(key);
  }
}
