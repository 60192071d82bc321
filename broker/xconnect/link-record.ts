import type { LinkStatus } from "../formats/broker-status.ts";
import type { Link, Plugin } from "../plugins/plugin.ts";
import type { Planted } from "./injection.ts";
import { LinkCounters } from "./link-counters.ts";
import type { SocketListener } from "./listener.ts";
import type { Peer } from "./peer.ts";
import type { Current, LinkState, Wanted } from "./reconcile.ts";
import { Session } from "./session.ts";
import { readCounters } from "./splice/counters.ts";
import type { SplicedLink } from "./splice/plane.ts";

/** What is planted for a link: an inode in the consumer and, for a socket, its listener. */
export interface Plant {
  readonly planted: Planted;
  readonly listener?: SocketListener;
}

/** A link as the broker keeps it: mutable, private to xconnect; plugins see `link`. */
export class LinkRecord implements Current<Peer> {
  wanted: Wanted<Peer>;
  link: Link;
  state: LinkState = "failed";
  /** Set while `state` is waiting: when waiting ends, in performance.now() milliseconds. */
  waitsUntil: number | undefined;
  plugin: Plugin | undefined;
  /** onLinkAdded has ended well, and onLinkRemoved has not been called since. */
  isAdded = false;
  plant: Plant | undefined;
  /** The part of the link that the splice worker has, once it has one. */
  spliced: SplicedLink | undefined;
  /** Settled when the link can serve; connections accepted before wait for it. */
  ready: Promise<void> = Promise.resolve();
  /** It can: there is nothing to wait for. */
  isReady = false;
  /** The last failure that was reported, so that a retry does not repeat it. */
  reported = "";
  counters = new LinkCounters();
  readonly #sessions = new Set<Session>();

  constructor(wanted: Wanted<Peer>, link: Link) {
    this.wanted = wanted;
    this.link = link;
  }

  get canWait(): boolean {
    return this.plant?.listener !== undefined;
  }

  get openSessions(): number {
    return this.#sessions.size + readCounters(this.counters.spliced).open;
  }

  /** @param fd owned by the session */
  beginSession(fd: number): Session {
    const session = new Session(fd);
    this.#sessions.add(session);
    this.counters.count("sessions");
    return session;
  }

  /** Its plugin has done with it. */
  finishSession(session: Session): void {
    this.#sessions.delete(session);
    session[Symbol.dispose]();
  }

  endSessions(why: string): void {
    for (const session of this.#sessions) session.end(new Error(why));
    this.spliced?.endSessions();
  }

  status(): LinkStatus {
    const { consumer, provider, name, type, role, target, socket } = this.link;
    return {
      ...{ consumer, provider, name, type, role, target, socket },
      state: this.state,
      open: this.openSessions,
      counters: this.counters.all(),
      lastError: this.counters.lastError ?? null,
    };
  }
}
