import { constants } from "node:os";
import { performance } from "node:perf_hooks";
import { EPOLLIN, closeFd } from "../../linux/epoll.ts";
import { SystemCallError } from "../../linux/errno.ts";
import { accept } from "../../linux/stream-io.ts";
import { messageOf } from "../../message-of.ts";
import { PROVIDER_WAIT, mayBecomeReachable } from "../provider-wait.ts";
import type { SessionBudget } from "../session-budget.ts";
import { OPEN, SESSIONS, count } from "./counters.ts";
import type { Registration } from "./event-table.ts";
import type { SharedWithLink, SpliceRoute } from "./messages.ts";
import { ProviderRoute } from "./route.ts";
import { SpliceSession } from "./session.ts";
import type { SpliceSurroundings } from "./session.ts";

/** Of two pipes, which a session needs while both sides are slow. */
const PIPE_ENDS = 4;
const { EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;
/** What accept4(2) and socket(2) say when the process or the machine has too much open. */
const EXHAUSTED = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM]);

/** What a link asks of the loop it is part of. */
export interface SpliceLinkHost extends SpliceSurroundings {
  readonly budget: SessionBudget;
  accepted(link: SpliceLink): void;
  wantRoute(link: SpliceLink): void;
  /** Call `connectWaiting` and `resume` from time to time while it waits or is paused. */
  attend(link: SpliceLink): void;
  limitReached(link: SpliceLink): void;
  failed(link: SpliceLink, why: string): void;
}

interface Waiting {
  readonly consumer: number;
  readonly deadline: number;
}

/** A link in the worker: its listener, its way to the provider and its sessions. */
export class SpliceLink {
  readonly id: number;
  readonly #host: SpliceLinkHost;
  readonly #shared: SharedWithLink;
  readonly #sessions = new Set<SpliceSession>();
  #listener: number | undefined;
  /** Of the listener, while connections are accepted. */
  #registration: Registration | undefined;
  /** Connections whose provider cannot be reached yet, in the order they came. */
  #waiting: Waiting[] = [];
  #route: ProviderRoute | undefined;
  #isHeld = false;
  #isInTrouble = false;
  #lastError = "the provider has ended";

  constructor(id: number, shared: SharedWithLink, host: SpliceLinkHost) {
    this.id = id;
    this.#shared = shared;
    this.#host = host;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get isPaused(): boolean {
    return this.#listener !== undefined && this.#registration === undefined && !this.#isHeld;
  }

  /** @param listener owned from here on; must be non-blocking */
  listen(listener: number | undefined): void {
    if (this.#registration !== undefined) this.#host.events.release(this.#registration);
    this.#registration = undefined;
    if (this.#listener !== undefined) closeFd(this.#listener);
    this.#listener = listener;
    this.#accept();
  }

  /** After a pause: accept again, if that is possible now. */
  resume(): void {
    if (this.#mayOpen()) this.#accept();
  }

  /** The provider may be another one from now on; nobody is accepted while the link is held. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.forgetRoute();
    if (isHeld) this.#pause();
    else this.resume();
  }

  setRoute(route: SpliceRoute): void {
    this.forgetRoute();
    this.#route = new ProviderRoute(route, this.#host.events, this.#host.quirks, () =>
      this.forgetRoute(),
    );
    this.connectWaiting();
  }

  forgetRoute(): void {
    this.#route?.[Symbol.dispose]();
    this.#route = undefined;
  }

  /** Try for those that wait; give up those that have waited long enough. */
  connectWaiting(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const outcome = this.#connect(first.consumer);
      if (outcome === "not yet" && performance.now() < first.deadline) break;
      this.#waiting.shift();
      if (outcome !== "begun") this.#abandon(first.consumer, this.#lastError);
    }
    if (this.isWaiting) this.#host.wantRoute(this);
  }

  endSessions(): void {
    for (const session of [...this.#sessions]) session.close();
    for (const { consumer } of this.#waiting.splice(0)) {
      closeFd(consumer);
      this.#ended();
    }
    // What comes from now on is for the provider that the main thread knows.
    this.forgetRoute();
  }

  close(): void {
    this.listen(undefined);
    this.endSessions();
  }

  #accept(): void {
    if (this.#listener === undefined || this.#isHeld) return;
    this.#registration ??= this.#host.events.add(this.#listener, EPOLLIN, {
      onEvents: () => this.#acceptOne(),
    });
  }

  /** One: the event comes again while others wait, and to ask whether they do costs as much. */
  #acceptOne(): void {
    if (this.#listener === undefined) return;
    if (!this.#mayOpen()) {
      this.#pause();
      this.#host.limitReached(this);
      return;
    }
    const consumer = accept(this.#listener);
    if (consumer < 0) {
      if (EXHAUSTED.has(-consumer)) this.#exhausted(-consumer);
      return;
    }
    this.#isInTrouble = false;
    this.#begun();
    this.#reach(consumer);
    this.#host.accepted(this);
  }

  #mayOpen(): boolean {
    const link = this.#sessions.size + this.#waiting.length;
    const consumer = Atomics.load(this.#shared.ofConsumer, 0);
    return this.#host.budget.allows("unix", { link, consumer });
  }

  /** Find the provider for a new connection, behind those that wait already. */
  #reach(consumer: number): void {
    const outcome = this.isWaiting ? "not yet" : this.#connect(consumer);
    if (outcome === "never") this.#abandon(consumer, this.#lastError);
    if (outcome !== "not yet") return;
    this.#waiting.push({ consumer, deadline: performance.now() + PROVIDER_WAIT });
    this.#host.wantRoute(this);
    this.#host.attend(this);
  }

  /** @returns whether a session has begun, is worth waiting for, or is not */
  #connect(consumer: number): "begun" | "not yet" | "never" {
    if (this.#route === undefined) return "not yet";
    try {
      this.#route.connect((provider) => this.#begin(consumer, provider));
      return "begun";
    } catch (error) {
      this.#lastError = messageOf(error);
      const isExhausted = error instanceof SystemCallError && EXHAUSTED.has(error.errno);
      if (isExhausted) this.#exhausted(error.errno);
      return isExhausted || mayBecomeReachable(error, this.#host.quirks) ? "not yet" : "never";
    }
  }

  #begin(consumer: number, provider: number): void {
    const session: SpliceSession = new SpliceSession(
      { consumer, provider },
      this.#shared.counters,
      this.#host,
      (error) => {
        this.#sessions.delete(session);
        this.#ended();
        if (error !== undefined) this.#host.failed(this, `session ended: ${messageOf(error)}`);
      },
    );
    this.#sessions.add(session);
    session.start();
  }

  #abandon(consumer: number, why: string): void {
    closeFd(consumer);
    this.#ended();
    this.#host.failed(this, `session ended: ${why}`);
  }

  #begun(): void {
    const { counters, ofConsumer } = this.#shared;
    count(counters, SESSIONS, 1);
    count(counters, OPEN, 1);
    Atomics.add(ofConsumer, 0, 1);
    this.#host.budget.promise(PIPE_ENDS);
  }

  #ended(): void {
    const { counters, ofConsumer } = this.#shared;
    count(counters, OPEN, -1);
    Atomics.sub(ofConsumer, 0, 1);
    this.#host.budget.promise(-PIPE_ENDS);
  }

  /** Told once, until a connection is served again. */
  #exhausted(errno: number): void {
    const { code } = new SystemCallError("accept4", errno);
    if (!this.#isInTrouble) this.#host.failed(this, `connections wait: ${code}`);
    this.#isInTrouble = true;
    this.#pause();
  }

  /** Who connects waits in the backlog. */
  #pause(): void {
    if (this.#registration === undefined) return;
    this.#host.events.remove(this.#registration);
    this.#registration = undefined;
    this.#host.attend(this);
  }
}
