import type { Quirks } from "../quirks/quirks.ts";
import type { OpenFiles } from "./open-files.ts";

/** More sessions than these wait in the backlog, however much is free. */
const PER_LINK = 4096;
const PER_CONSUMER = 8192;
/** Descriptors that stay free for sessions under way, new links and the log. */
const RESERVE = 64;

/** Numbers that the main thread and the splice worker both write. */
export type SharedCount = Int32Array<SharedArrayBuffer>;

export function sharedCount(): SharedCount {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/**
 * Who may open another session.
 *
 * Descriptors are what runs out first. A link may hold as many sessions as half of the
 * descriptors that are still free, a consumer as many as all of them: the more is taken, the
 * less anyone may take, so that whoever comes later still finds some, however many consumers
 * open connections without end (dynamic thresholds, as switches share their buffers; Choudhury
 * and Hahne, 1998).
 *
 * Sessions that have begun may need more descriptors later (a spliced one its pipes): these are
 * promised to them and not free.
 */
export class SessionBudget {
  /** For the other thread's budget. */
  readonly promised: SharedCount;
  readonly #files: OpenFiles;
  readonly #quirks: Quirks;

  constructor(files: OpenFiles, quirks: Quirks, promised = sharedCount()) {
    this.#files = files;
    this.#quirks = quirks;
    this.promised = promised;
  }

  /** @param open sessions of the link, and those of its consumer on all links */
  allows(type: string, open: { readonly link: number; readonly consumer: number }): boolean {
    if (this.#quirks.has("no-session-limit", type)) return true;
    const { limit } = this.#files;
    const free = limit - RESERVE - this.#files.open() - Atomics.load(this.promised, 0);
    return (
      free > 0 &&
      open.link < Math.min(PER_LINK, free / 2) &&
      open.consumer < Math.min(PER_CONSUMER, free)
    );
  }

  /** Set descriptors aside; fewer than 0 gives them back. */
  promise(descriptors: number): void {
    Atomics.add(this.promised, 0, descriptors);
  }
}
