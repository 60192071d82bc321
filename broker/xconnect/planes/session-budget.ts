import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { OpenFiles } from "./open-files.ts";

/** Most sessions of a link and of a consumer; further connections wait in the backlog. */
const PER_LINK = 4096;
const PER_CONSUMER = 8192;
/** Descriptors that stay free for sessions under way, new links and the log. */
const RESERVE = 64;

/** A number that the main thread and the splice worker both write. */
export type SharedCount = Int32Array<SharedArrayBuffer>;

export function sharedCount(): SharedCount {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/**
 * Decides if a link may open another session.
 *
 * Descriptors run out first. A link may hold as many sessions as half of the descriptors that are
 * still free, a consumer as many as all of them. So the more are taken, the fewer each may take,
 * and a later consumer still finds some even if many others open connections without end (dynamic
 * thresholds, by which switches share their buffers; Choudhury and Hahne, 1998).
 *
 * Open sessions may need more descriptors later (a spliced one its pipes): these are promised to
 * them and do not count as free.
 */
export class SessionBudget {
  /** Number of promised descriptors, shared with the other thread's budget. */
  readonly promised: SharedCount;
  readonly #files: OpenFiles;
  readonly #quirks: Quirks;

  constructor(files: OpenFiles, quirks: Quirks, promised = sharedCount()) {
    this.#files = files;
    this.#quirks = quirks;
    this.promised = promised;
  }

  /** @param open open sessions of the link, and of its consumer on all links */
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

  /** Set descriptors aside; a negative number gives them back. */
  promise(descriptors: number): void {
    Atomics.add(this.promised, 0, descriptors);
  }
}
