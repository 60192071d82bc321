import type { SharedCount } from "../session-budget.ts";
import type { SpliceCounters } from "./counters.ts";

/**
 * What the main thread (policy, injection, the way into containers) and the splice worker
 * (every byte and every connection) tell each other. Descriptors are numbers of the one
 * process; whoever is told one owns it from then on.
 */
export type SpliceCommand =
  /** A link begins. */
  | { readonly kind: "add"; readonly id: number; readonly shared: SharedWithLink }
  /** Accept on this socket, and no longer on the one before; the sessions go on. */
  | { readonly kind: "listen"; readonly id: number; readonly listener: number | undefined }
  /** Where the link's provider is; the answer to `route-wanted`. */
  | { readonly kind: "route"; readonly id: number; readonly route: SpliceRoute }
  /**
   * The provider may be another one from now on: ask for it before the next connection. While
   * the link is held nobody is accepted.
   */
  | { readonly kind: "hold"; readonly id: number; readonly isHeld: boolean }
  /** End the link's sessions at once; the listener stays. */
  | { readonly kind: "end-sessions"; readonly id: number }
  /** The link ends, with its listener and its sessions. */
  | { readonly kind: "remove"; readonly id: number }
  | { readonly kind: "stop" };

export type SpliceReport =
  | { readonly kind: "accepted"; readonly id: number; readonly count: number }
  | { readonly kind: "route-wanted"; readonly id: number }
  /** As many sessions as may be are open: further connections wait in the backlog. */
  | { readonly kind: "limit-reached"; readonly id: number }
  /** A session, or the accepting of some, has failed. */
  | { readonly kind: "failed"; readonly id: number; readonly why: string };

/** Memory that both threads use. */
export interface SharedWithLink {
  readonly counters: SpliceCounters;
  /** Sessions of the link's consumer, on all its links. */
  readonly ofConsumer: SharedCount;
}

/** The way to a provider's socket, good while its process lives. */
export interface SpliceRoute {
  /** O_PATH fd of its root directory. */
  readonly root: number;
  readonly pidfd: number;
  /** Of the socket, inside that root. */
  readonly path: string;
}

/** What a worker is started with. */
export interface SpliceWorkerData {
  /** Made readable after each command. */
  readonly wake: number;
  /** The quirks that are on for the type `unix`. */
  readonly quirks: string;
  /** Of the session budget. */
  readonly promised: SharedCount;
}
