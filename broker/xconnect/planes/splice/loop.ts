import { performance } from "node:perf_hooks";
import { EPOLLIN } from "../../../shared/linux/epoll.ts";
import { clearEventFd } from "../../../shared/linux/event-fd.ts";
import { Scratch } from "../../../shared/linux/stream-io.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { PipePool } from "./pipe-pool.ts";
import { PROVIDER_POLL } from "../../peers/provider-wait.ts";
import type { SessionBudget } from "../session-budget.ts";
import { EventTable } from "./event-table.ts";
import { SpliceLink } from "./link.ts";
import type { SpliceLinkHost } from "./link.ts";
import type { SpliceCommand, SpliceReport } from "./messages.ts";
import type { SpliceSession } from "./session.ts";

/** Bytes of the copy buffer, which the smallest pipe can hold. */
const SCRATCH_SIZE = 64 * 1024;
/** Milliseconds between reports of accepted connections, since each wakes the main thread. */
const REPORT_PAUSE = 20;

export interface SpliceLoopOptions {
  /** Eventfd that is readable when commands have come. */
  readonly wake: number;
  nextCommand(): SpliceCommand | undefined;
  report(report: SpliceReport): void;
  readonly quirks: Quirks;
  readonly budget: SessionBudget;
}

/** The splice worker's loop: all links, listeners and sessions of the thread. */
export class SpliceLoop implements SpliceLinkHost, Disposable {
  readonly events = new EventTable();
  readonly pipes = new PipePool();
  readonly scratch = new Scratch(SCRATCH_SIZE);
  readonly quirks: Quirks;
  readonly corrupts: boolean;
  readonly budget: SessionBudget;
  readonly #options: SpliceLoopOptions;
  readonly #links = new Map<number, SpliceLink>();
  #again: SpliceSession[] = [];
  readonly #lingering: { readonly session: SpliceSession; readonly at: number }[] = [];
  readonly #accepted = new Map<number, number>();
  #reportedAt = 0;
  /**
   * Links that have asked for a route since the last look at waiting links. They do not ask again
   * before: a provider that refuses connections must not keep two threads busy.
   */
  readonly #routesWanted = new Set<number>();
  /** Links that wait for a provider or for descriptors, and are looked at from time to time. */
  readonly #attended = new Set<SpliceLink>();
  #attendedAt = 0;
  #hasStopped = false;

  constructor(options: SpliceLoopOptions) {
    this.#options = options;
    this.quirks = options.quirks;
    this.corrupts = options.quirks.has("unix-corrupts");
    this.budget = options.budget;
    this.events.add(options.wake, EPOLLIN, { onEvents: () => this.#obeyAll() });
  }

  /** Run until the command `stop`. */
  run(): void {
    while (!this.#hasStopped) this.step();
  }

  /** Wait for events, at most `limit` milliseconds, and deal with them. */
  step(limit = Infinity): void {
    const timeout = Math.min(limit, this.#timeout());
    this.events.wait(timeout === Infinity ? -1 : Math.ceil(timeout));
    const sessions = this.#again;
    if (sessions.length > 0) {
      this.#again = [];
      for (const session of sessions) session.pump();
    }
    this.#keepTime();
  }

  again(session: SpliceSession): void {
    this.#again.push(session);
  }

  later(session: SpliceSession, milliseconds: number): void {
    this.#lingering.push({ session, at: performance.now() + milliseconds });
  }

  accepted({ id }: SpliceLink): void {
    this.#accepted.set(id, (this.#accepted.get(id) ?? 0) + 1);
  }

  attend(link: SpliceLink): void {
    this.#attended.add(link);
  }

  wantRoute({ id }: SpliceLink): void {
    if (this.#routesWanted.has(id)) return;
    this.#routesWanted.add(id);
    this.#options.report({ kind: "route-wanted", id });
  }

  limitReached({ id }: SpliceLink): void {
    this.#options.report({ kind: "limit-reached", id });
  }

  failed({ id }: SpliceLink, why: string): void {
    this.#options.report({ kind: "failed", id, why });
  }

  [Symbol.dispose](): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.#reportAccepted();
    this.pipes[Symbol.dispose]();
    this.events[Symbol.dispose]();
  }

  #obeyAll(): void {
    clearEventFd(this.#options.wake);
    for (;;) {
      const command = this.#options.nextCommand();
      if (command === undefined) return;
      this.#obey(command);
    }
  }

  #obey(command: SpliceCommand): void {
    if (command.kind === "stop") {
      this.#hasStopped = true;
      return;
    }
    const { id } = command;
    if (command.kind === "add") {
      this.#links.set(id, new SpliceLink(id, command.shared, this));
      return;
    }
    const link = this.#links.get(id);
    if (link === undefined) return;
    switch (command.kind) {
      case "listen":
        link.listen(command.listener);
        break;
      case "route":
        link.setRoute(command.route);
        break;
      case "hold":
        link.hold(command.isHeld);
        break;
      case "end-sessions":
        link.endSessions();
        break;
      case "remove":
        link.close();
        this.#links.delete(id);
        this.#attended.delete(link);
    }
  }

  /** Milliseconds until the next thing to do that no event causes. */
  #timeout(): number {
    if (this.#again.length > 0 || this.#hasStopped) return 0;
    if (this.#isTimeless()) return Infinity;
    let at = this.#lingering[0]?.at ?? Infinity;
    if (this.#accepted.size > 0) at = Math.min(at, this.#reportedAt + REPORT_PAUSE);
    if (this.#attended.size > 0) at = Math.min(at, this.#attendedAt + PROVIDER_POLL);
    return Math.max(0, at - performance.now());
  }

  #keepTime(): void {
    if (this.#isTimeless()) return;
    const now = performance.now();
    if (now >= this.#reportedAt + REPORT_PAUSE) this.#reportAccepted();
    if (now >= this.#attendedAt + PROVIDER_POLL) this.#attendLinks(now);
    while (this.#lingering[0] !== undefined && this.#lingering[0].at <= now) {
      this.#lingering.shift()?.session.pump();
    }
  }

  #isTimeless(): boolean {
    return this.#accepted.size + this.#attended.size + this.#lingering.length === 0;
  }

  #attendLinks(now: number): void {
    this.#attendedAt = now;
    this.#routesWanted.clear();
    for (const link of this.#attended) {
      if (link.isPaused) link.resume();
      link.connectWaiting();
      if (!link.isPaused && !link.isWaiting) this.#attended.delete(link);
    }
  }

  #reportAccepted(): void {
    this.#reportedAt = performance.now();
    for (const [id, count] of this.#accepted) this.#options.report({ kind: "accepted", id, count });
    this.#accepted.clear();
  }
}
