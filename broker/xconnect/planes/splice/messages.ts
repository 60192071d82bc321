import type { SharedCount } from "../session-budget.ts";
import type { SpliceCounters } from "./counters.ts";

/**
 * Commands of the main thread (policy, injection, the way into containers) to the splice worker
 * (every byte and every connection). Both share the process's descriptors; the receiver of one owns
 * it.
 */
export type SpliceCommand =
  /** A link begins. */
  | { readonly kind: "add"; readonly id: number; readonly shared: SharedWithLink }
  /** Accept on this socket, and no longer on an earlier one; sessions go on. */
  | { readonly kind: "listen"; readonly id: number; readonly listener: number | undefined }
  /** The route to the link's provider, as an answer to `route-wanted`; undefined: it has ended. */
  | { readonly kind: "route"; readonly id: number; readonly route: SpliceRoute | undefined }
  /**
   * The provider may be another one from now on: ask for its route before the next connection.
   * While the link is held, accept no connection.
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
  /** The limit of sessions is reached: further connections wait in the backlog. */
  | { readonly kind: "limit-reached"; readonly id: number }
  /** A session has failed, or connections cannot be accepted. */
  | { readonly kind: "failed"; readonly id: number; readonly why: string };

/** Memory that both threads use. */
export interface SharedWithLink {
  readonly counters: SpliceCounters;
  /** Sessions of the link's consumer, on all its links. */
  readonly ofConsumer: SharedCount;
}

/** The route to a provider's socket, valid while its process lives. */
export interface SpliceRoute {
  /** O_PATH fd of the provider's root directory. */
  readonly root: number;
  readonly pidfd: number;
  /** Path of the socket inside that root. */
  readonly path: string;
}

/** Start parameters of the worker. */
export interface SpliceWorkerData {
  /** Eventfd that becomes readable after each command. */
  readonly wake: number;
  /** Names of the quirks that are on for the type `unix`, separated by commas. */
  readonly quirks: string;
  /** Promised descriptors of the session budget. */
  readonly promised: SharedCount;
}
