import type { Socket } from "node:net";
import type { Link, Plugin } from "../plugins/plugin.ts";
import type { Planted } from "./injection.ts";
import type { Peer } from "./peer.ts";
import type { Current, LinkState, Wanted } from "./reconcile.ts";

/** What is planted for a link: an inode in the consumer and, for a socket, its listener. */
export interface Plant {
  readonly planted: Planted;
  readonly listener?: Listener;
}

/** A planted socket's server: Node's, whose sessions the record knows, or one that has its own. */
export interface Listener {
  close(): void;
  endSessions?(): void;
  /** The provider may be another process from now on. */
  forgetRoute?(): void;
  /** Take another listening socket; the sessions go on. */
  listenOn?(fd: number): void;
}

/** A link as the broker keeps it: mutable, private to xconnect; plugins see `link`. */
export class LinkRecord implements Current<Peer> {
  wanted: Wanted<Peer>;
  link: Link;
  state: LinkState = "failed";
  plugin: Plugin | undefined;
  plant: Plant | undefined;
  /** Settled when the link can serve; connections accepted before wait for it. */
  ready: Promise<void> = Promise.resolve();
  /** The last failure that was reported, so that a retry does not repeat it. */
  reported = "";
  readonly #sessions = new Set<AbortController>();

  constructor(wanted: Wanted<Peer>, link: Link) {
    this.wanted = wanted;
    this.link = link;
  }

  /** Begin a session; `finished` and the socket's end finish it. */
  beginSession(socket: Socket): { signal: AbortSignal; finished: () => void } {
    const session = new AbortController();
    this.#sessions.add(session);
    let open = 2;
    const finished = () => {
      open -= 1;
      if (open === 0) this.#sessions.delete(session);
    };
    socket.once("close", finished);
    return { signal: session.signal, finished };
  }

  endSessions(why: string): void {
    for (const session of this.#sessions) session.abort(new Error(why));
    this.#sessions.clear();
    this.plant?.listener?.endSessions?.();
  }
}
