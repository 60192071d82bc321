import { closeSync, fstatSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";

/** After this many events a directory is left to the poll: its container may make any number. */
const MAX_EVENTS = 1_000;
/** Milliseconds from an event to the report: what comes together is reported together. */
const SETTLE = 50;

interface Watch {
  readonly watcher: FSWatcher;
  readonly names: Set<string>;
  events: number;
}

/**
 * Tells when names in containers' directories are touched, or the directories themselves, by
 * inotify(7): one watch per directory. A watch ends with its first report, and begins again when
 * it is asked for again.
 */
export class DirectoryWatches {
  readonly #watches = new Map<string, Watch>();
  readonly #onTouched: () => void;

  constructor(onTouched: () => void) {
    this.#onTouched = onTouched;
  }

  /**
   * @param directory O_PATH fd; it is closed here
   * @param name in that directory
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
      // The magic link names the open directory itself; no path of the container is resolved.
      watcher = watch(`/proc/self/fd/${directory}`);
    } catch {
      // fs.inotify.max_user_watches: the poll looks after it.
      return;
    }
    // What happens to the directory itself (moved, removed, unmounted) is told under this name.
    // The kernel's watch may have ended then, and another directory may get the same numbers.
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
