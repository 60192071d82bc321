import type { Quirks } from "../quirks/quirks.ts";
import type { LinkRecord } from "./link-record.ts";
import type { OpenFiles } from "./open-files.ts";

/** More sessions than these wait in the backlog, however much is free. */
const PER_LINK = 4096;
const PER_CONSUMER = 8192;
/** Descriptors that stay free for sessions under way, new links and the log. */
const RESERVE = 64;
/** What others free is not told: milliseconds between looks, only while a listener is paused. */
const LOOK_AGAIN = 200;

/**
 * Who may open another session.
 *
 * Descriptors are what runs out first. A link may hold as many sessions as half of the
 * descriptors that are still free, a consumer as many as all of them: the more is taken, the
 * less anyone may take, so that whoever comes later still finds some, however many consumers
 * open connections without end (dynamic thresholds, as switches share their buffers; Choudhury
 * and Hahne, 1998). Beyond its limit a link's listener is paused: further connections wait in
 * its own backlog and cost nobody else anything.
 */
export class SessionLimits {
  readonly #files: OpenFiles;
  readonly #quirks: Quirks;
  readonly #warn: (line: string) => void;
  readonly #byConsumer = new Map<string, number>();
  readonly #paused = new Set<LinkRecord>();
  #timer: NodeJS.Timeout | undefined;

  constructor(files: OpenFiles, quirks: Quirks, warn: (line: string) => void) {
    this.#files = files;
    this.#quirks = quirks;
    this.#warn = warn;
  }

  /** A session of the link has begun. */
  opened(record: LinkRecord): void {
    const { consumer, name } = record.link;
    this.#byConsumer.set(consumer, (this.#byConsumer.get(consumer) ?? 0) + 1);
    if (this.mayOpen(record)) return;
    record.plant?.listener?.pause("limit");
    this.#paused.add(record);
    record.counters.count("paused");
    if (record.counters.get("paused") === 1) {
      this.#warn(
        `${consumer}/${name}: ${record.openSessions} sessions are open, ` +
          `${this.#byConsumer.get(consumer) ?? 0} of ${consumer}: further connections wait`,
      );
    }
    this.#timer ??= setInterval(() => this.#reconsider(), LOOK_AGAIN);
  }

  /** A session of the link has ended. */
  closed({ link: { consumer } }: LinkRecord): void {
    const open = (this.#byConsumer.get(consumer) ?? 1) - 1;
    if (open === 0) this.#byConsumer.delete(consumer);
    else this.#byConsumer.set(consumer, open);
    if (this.#paused.size > 0) this.#reconsider();
  }

  mayOpen(record: LinkRecord): boolean {
    if (this.#quirks.has("no-session-limit", record.link.type)) return true;
    const free = this.#files.limit - RESERVE - this.#files.open();
    const ofConsumer = this.#byConsumer.get(record.link.consumer) ?? 0;
    return (
      free > 0 &&
      record.openSessions < Math.min(PER_LINK, free / 2) &&
      ofConsumer < Math.min(PER_CONSUMER, free)
    );
  }

  #reconsider(): void {
    for (const record of this.#paused) {
      const listener = record.plant?.listener;
      if (listener !== undefined && !this.mayOpen(record)) continue;
      this.#paused.delete(record);
      listener?.resume("limit");
      // It may have found no descriptor after all.
      if (listener?.isPaused("limit") === true) this.#paused.add(record);
    }
    if (this.#paused.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
