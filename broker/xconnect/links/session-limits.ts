import type { LinkRecord } from "./link-record.ts";
import { sharedCount } from "../planes/session-budget.ts";
import type { SessionBudget, SharedCount } from "../planes/session-budget.ts";

/**
 * Milliseconds between looks for free descriptors, while a listener is paused: no event reports
 * them.
 */
const RECHECK_INTERVAL = 200;

/**
 * Keeps links within the budget: at its limit a link's listener is paused, and further connections
 * wait in its own backlog, where they cost other links nothing. The splice worker does the same for
 * its listeners; the sessions of a consumer are counted together.
 */
export class SessionLimits {
  readonly budget: SessionBudget;
  readonly #warn: (line: string) => void;
  readonly #byConsumer = new Map<string, SharedCount>();
  readonly #paused = new Set<LinkRecord>();
  #timer: NodeJS.Timeout | undefined;

  constructor(budget: SessionBudget, warn: (line: string) => void) {
    this.budget = budget;
    this.#warn = warn;
  }

  /** Number of a consumer's open sessions, of both threads. */
  sessionsOf(consumer: string): SharedCount {
    const known = this.#byConsumer.get(consumer) ?? sharedCount();
    this.#byConsumer.set(consumer, known);
    return known;
  }

  /** A session of the link has begun. */
  opened(record: LinkRecord): void {
    Atomics.add(this.sessionsOf(record.link.consumer), 0, 1);
    if (this.mayOpen(record)) return;
    record.plant?.listener?.pause("limit");
    this.#paused.add(record);
    this.reached(record);
    this.#timer ??= setInterval(() => this.#reconsider(), RECHECK_INTERVAL);
  }

  /** The link has reached its limit of sessions. */
  reached(record: LinkRecord): void {
    record.counters.count("paused");
    if (record.counters.get("paused") !== 1) return;
    const { consumer, name } = record.link;
    this.#warn(
      `${consumer}/${name}: ${record.openSessions} sessions are open, ` +
        `${Atomics.load(this.sessionsOf(consumer), 0)} of ${consumer}: further connections wait`,
    );
  }

  /** A session of the link has ended. */
  closed({ link: { consumer } }: LinkRecord): void {
    Atomics.sub(this.sessionsOf(consumer), 0, 1);
    if (this.#paused.size > 0) this.#reconsider();
  }

  mayOpen({ link: { type, consumer }, openSessions }: LinkRecord): boolean {
    const ofConsumer = Atomics.load(this.sessionsOf(consumer), 0);
    return this.budget.allows(type, { link: openSessions, consumer: ofConsumer });
  }

  #reconsider(): void {
    for (const record of this.#paused) {
      const listener = record.plant?.listener;
      if (listener !== undefined && !this.mayOpen(record)) continue;
      this.#paused.delete(record);
      listener?.resume("limit");
    }
    if (this.#paused.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
