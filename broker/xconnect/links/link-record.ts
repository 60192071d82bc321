import type { LinkStatus } from "../../shared/formats/broker-status.ts";
import type { Link, Plugin } from "../plugins/plugin.ts";
import type { Planted } from "../peers/injection.ts";
import { LinkCounters } from "./link-counters.ts";
import type { SocketListener } from "./listener.ts";
import type { Peer } from "../peers/peer.ts";
import type { CurrentLink, LinkState, WantedLink } from "./reconcile.ts";
import { Session } from "./session.ts";
import { readCounters } from "../planes/splice/counters.ts";
import type { SplicedLink } from "../planes/splice/plane.ts";

/** The planted part of a link: an inode in the consumer and, for a socket, its listener. */
export interface Plant {
  readonly planted: Planted;
  readonly listener?: SocketListener;
}

/** The broker's mutable record of a link, private to xconnect; plugins see `link`. */
export class LinkRecord implements CurrentLink<Peer> {
  wanted: WantedLink<Peer>;
  link: Link;
  state: LinkState = "failed";
  /** End of the wait in performance.now() milliseconds, while `state` is waiting. */
  waitsUntil: number | undefined;
  plugin: Plugin | undefined;
  /** True after a successful onLinkAdded, until onLinkRemoved is called. */
  isAdded = false;
  plant: Plant | undefined;
  /** The link in the splice worker, once there is one. */
  spliced: SplicedLink | undefined;
  /** Promise that settles when the link can serve; earlier connections wait for it. */
  ready: Promise<void> = Promise.resolve();
  /** True when the link can serve, so that `ready` need not be awaited. */
  isReady = false;
  /** Last failure that was reported, so that a retry does not repeat it. */
  reported = "";
  counters = new LinkCounters();
  readonly #sessions = new Set<Session>();

  constructor(wanted: WantedLink<Peer>, link: Link) {
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

  /** End a session that its plugin has finished. */
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
