import { constants } from "node:os";
import { performance } from "node:perf_hooks";
import { EPOLLIN, closeFd } from "../../../shared/linux/epoll.ts";
import { SystemCallError } from "../../../shared/linux/errno.ts";
import { accept } from "../../../shared/linux/stream-io.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { PeerGone } from "../../peers/peer-gone.ts";
import { PROVIDER_WAIT, mayBecomeReachable } from "../../peers/provider-wait.ts";
import type { SessionBudget } from "../session-budget.ts";
import { OPEN, SESSIONS, count } from "./counters.ts";
import type { Registration } from "./event-table.ts";
import type { SharedWithLink, SpliceRoute } from "./messages.ts";
import { ProviderRoute } from "./route.ts";
import { SpliceSession } from "./session.ts";
import type { SpliceSurroundings } from "./session.ts";

/** Descriptors of two pipes, which a session may need when both sides are slow. */
const PIPE_ENDS = 4;
const { EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;
/** Errors of accept4(2) and socket(2) when the process or the machine has too many open files. */
const EXHAUSTED = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM]);

/** Services of the loop to its links. */
export interface SpliceLinkHost extends SpliceSurroundings {
  readonly budget: SessionBudget;
  accepted(link: SpliceLink): void;
  wantRoute(link: SpliceLink): void;
  /** Call `connectWaiting` and `resume` from time to time while the link waits or is paused. */
  attend(link: SpliceLink): void;
  limitReached(link: SpliceLink): void;
  failed(link: SpliceLink, why: string): void;
}

interface WaitingConnection {
  readonly consumer: number;
  readonly deadline: number;
}

/** A link in the worker: its listener, its route to the provider and its sessions. */
export class SpliceLink {
  readonly id: number;
  readonly #host: SpliceLinkHost;
  readonly #shared: SharedWithLink;
  readonly #sessions = new Set<SpliceSession>();
  #listener: number | undefined;
  /** Registration of the listener, while connections are accepted. */
  #registration: Registration | undefined;
  /** Connections whose provider cannot be reached yet, in their order of arrival. */
  #waiting: WaitingConnection[] = [];
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

  /** @param listener non-blocking; owned by the link from now on */
  listen(listener: number | undefined): void {
    if (this.#registration !== undefined) this.#host.events.release(this.#registration);
    this.#registration = undefined;
    if (this.#listener !== undefined) closeFd(this.#listener);
    this.#listener = listener;
    this.#accept();
  }

  /** Accept again after a pause, if the budget allows it. */
  resume(): void {
    if (this.#mayOpen()) this.#accept();
  }

  /**
   * Forget the route, since the provider may change; accept no connection while the link is held.
   */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.forgetRoute();
    if (isHeld) this.#pause();
    else this.resume();
  }

  /** @param route undefined while the provider does not run */
  setRoute(route: SpliceRoute | undefined): void {
    if (route === undefined) {
      this.#noteGone();
      return;
    }
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

  /** Connect waiting connections; give up those that have waited long enough. */
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
    // Ask the main thread for the provider of later connections.
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

  /** Accept one connection: the event repeats while more wait, and looking costs as much. */
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

  /** Connect a new connection to the provider, or queue it behind those that wait. */
  #reach(consumer: number): void {
    const outcome = this.isWaiting ? "not yet" : this.#connect(consumer);
    if (outcome === "never") this.#abandon(consumer, this.#lastError);
    if (outcome !== "not yet") return;
    this.#waiting.push({ consumer, deadline: performance.now() + PROVIDER_WAIT });
    this.#host.wantRoute(this);
    this.#host.attend(this);
  }

  /** @returns "begun" for a new session, "not yet" when trying again may help, else "never" */
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

  /** Connections wait for a provider that has ended, since it may be restarting. */
  #noteGone(): void {
    const gone = new PeerGone(this.#lastError);
    if (mayBecomeReachable(gone, this.#host.quirks)) return;
    for (const { consumer } of this.#waiting.splice(0)) this.#abandon(consumer, gone.message);
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

  /** Report that descriptors have run out, once until a connection is accepted again. */
  #exhausted(errno: number): void {
    const { code } = new SystemCallError("accept4", errno);
    if (!this.#isInTrouble) this.#host.failed(this, `connections wait: ${code}`);
    this.#isInTrouble = true;
    this.#pause();
  }

  /** Stop accepting; new connections wait in the backlog. */
  #pause(): void {
    if (this.#registration === undefined) return;
    this.#host.events.remove(this.#registration);
    this.#registration = undefined;
    this.#host.attend(this);
  }
}
