import { constants } from "node:os";
import { EPOLLIN, closeFd } from "../linux/epoll.ts";
import { SystemCallError } from "../linux/errno.ts";
import { accept } from "../linux/stream-io.ts";
import { PROVIDER_WAIT, mayBecomeReachable } from "./provider-wait.ts";
import { OPEN, REJECTIONS, SESSIONS, count } from "./splice-counters.ts";
import type { SpliceCounters } from "./splice-counters.ts";
import type { Registration } from "./splice-events.ts";
import type { SpliceRoute } from "./splice-messages.ts";
import { ProviderRoute } from "./splice-route.ts";
import { SpliceSession } from "./splice-session.ts";
import type { SpliceSurroundings } from "./splice-session.ts";

/** Connections taken from one listener before others have their turn. */
const ACCEPTED_AT_ONCE = 32;
const { EMFILE, ENFILE, ENOBUFS, ENOMEM } = constants.errno;
/** What accept4(2) and socket(2) say when the process or the machine has too much open. */
const EXHAUSTED = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM]);

/** What a link asks of the loop it is part of. */
export interface SpliceLinkHost extends SpliceSurroundings {
  /** Whether the link's consumer may have another session, or no descriptors are left for it. */
  admit(link: SpliceLink): "yes" | "too-many" | "not-now";
  sessionOpened(link: SpliceLink): void;
  sessionClosed(link: SpliceLink): void;
  accepted(link: SpliceLink, count: number): void;
  wantRoute(link: SpliceLink): void;
  /** Call `connectWaiting` and `resume` from time to time while it waits or is paused. */
  attend(link: SpliceLink): void;
  failed(link: SpliceLink, why: string): void;
}

interface Waiting {
  readonly consumer: number;
  readonly deadline: number;
}

/** A link in the worker: its listener, its way to the provider and its sessions. */
export class SpliceLink {
  readonly id: number;
  readonly consumer: string;
  readonly #host: SpliceLinkHost;
  #listener: number;
  readonly #counters: SpliceCounters;
  readonly #sessions = new Set<SpliceSession>();
  /** Connections whose provider cannot be reached yet, in the order they came. */
  #waiting: Waiting[] = [];
  #route: ProviderRoute | undefined;
  #registration: Registration | undefined;
  #isInTrouble = false;
  #lastError = "the provider has ended";

  /** Owns the listener, which must be non-blocking. */
  constructor(
    id: number,
    listener: number,
    consumer: string,
    counters: SharedArrayBuffer,
    host: SpliceLinkHost,
  ) {
    this.id = id;
    this.consumer = consumer;
    this.#listener = listener;
    this.#counters = new Float64Array(counters);
    this.#host = host;
    this.resume();
  }

  get open(): number {
    return this.#sessions.size + this.#waiting.length;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Listen again after a pause. */
  resume(): void {
    this.#registration ??= this.#host.events.add(this.#listener, EPOLLIN, {
      onEvents: () => this.#acceptSome(),
    });
  }

  get isPaused(): boolean {
    return this.#registration === undefined;
  }

  /** Another listener in the place of the one that was. */
  listenOn(listener: number): void {
    this.#closeListener();
    this.#listener = listener;
    this.resume();
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
      const provider = this.#connect();
      if (provider === undefined && performance.now() < first.deadline) break;
      this.#waiting.shift();
      if (provider === undefined || provider === -1) this.#abandon(first.consumer, this.#lastError);
      else this.#begin(first.consumer, provider);
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
    this.#closeListener();
    this.endSessions();
  }

  #acceptSome(): void {
    let accepted = 0;
    for (let turn = 0; turn < ACCEPTED_AT_ONCE; turn += 1) {
      const admission = this.#host.admit(this);
      if (admission === "not-now") {
        this.#pause();
        break;
      }
      const consumer = accept(this.#listener);
      if (consumer < 0) {
        if (EXHAUSTED.has(-consumer)) this.#exhausted(-consumer);
        break;
      }
      if (admission === "too-many") {
        closeFd(consumer);
        count(this.#counters, REJECTIONS, 1);
        this.#trouble(`connections are refused: ${this.open} sessions are open`);
        continue;
      }
      accepted += 1;
      this.#isInTrouble = false;
      count(this.#counters, SESSIONS, 1);
      count(this.#counters, OPEN, 1);
      this.#host.sessionOpened(this);
      this.#reach(consumer);
    }
    if (accepted > 0) this.#host.accepted(this, accepted);
  }

  /** Find the provider for a new connection, behind those that wait already. */
  #reach(consumer: number): void {
    const provider = this.isWaiting ? undefined : this.#connect();
    if (provider === -1) this.#abandon(consumer, this.#lastError);
    else if (provider !== undefined) this.#begin(consumer, provider);
    else {
      this.#waiting.push({ consumer, deadline: performance.now() + PROVIDER_WAIT });
      this.#host.wantRoute(this);
      this.#host.attend(this);
    }
  }

  /** @returns undefined when it is worth waiting, -1 when it is not */
  #connect(): number | undefined {
    if (this.#route === undefined) return undefined;
    try {
      return this.#route.connect();
    } catch (error) {
      this.#lastError = messageOf(error);
      const isExhausted = error instanceof SystemCallError && EXHAUSTED.has(error.errno);
      if (isExhausted) this.#exhausted(error.errno);
      return isExhausted || mayBecomeReachable(error) ? undefined : -1;
    }
  }

  #begin(consumer: number, provider: number): void {
    try {
      const session: SpliceSession = new SpliceSession(
        { consumer, provider },
        this.#counters,
        this.#host,
        (error) => {
          this.#sessions.delete(session);
          this.#ended();
          if (error !== undefined) this.#host.failed(this, `session ended: ${messageOf(error)}`);
        },
      );
      this.#sessions.add(session);
      session.pump();
    } catch (error) {
      this.#ended();
      this.#host.failed(this, `session ended: ${messageOf(error)}`);
    }
  }

  #abandon(consumer: number, why: string): void {
    closeFd(consumer);
    this.#ended();
    this.#host.failed(this, `session ended: ${why}`);
  }

  #ended(): void {
    count(this.#counters, OPEN, -1);
    this.#host.sessionClosed(this);
  }

  #exhausted(errno: number): void {
    this.#trouble(`connections wait: ${new SystemCallError("accept4", errno).code}`);
    this.#pause();
  }

  /** Told once, until a connection is served again. */
  #trouble(what: string): void {
    if (!this.#isInTrouble) this.#host.failed(this, what);
    this.#isInTrouble = true;
  }

  #closeListener(): void {
    if (this.#registration !== undefined) this.#host.events.release(this.#registration);
    this.#registration = undefined;
    closeFd(this.#listener);
  }

  /** Who connects waits in the backlog. */
  #pause(): void {
    if (this.#registration === undefined) return;
    this.#host.events.remove(this.#registration);
    this.#registration = undefined;
    this.#host.attend(this);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
