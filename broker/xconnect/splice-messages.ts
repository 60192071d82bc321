/**
 * What the main thread (policy, injection, the way into containers) and the splice worker
 * (every byte and every connection) tell each other. Descriptors are numbers of the one
 * process; whoever is told one owns it from then on.
 */
export type SpliceCommand =
  /** Accept on `listener` and carry the sessions. */
  | {
      readonly kind: "serve";
      readonly id: number;
      readonly listener: number;
      readonly consumer: string;
      readonly counters: SharedArrayBuffer;
    }
  | { readonly kind: "listen-on"; readonly id: number; readonly listener: number }
  /** Where the link's provider is; the answer to `route-wanted`. */
  | { readonly kind: "route"; readonly id: number; readonly route: SpliceRoute }
  /** The provider may be another one from now on: ask before the next connection. */
  | { readonly kind: "forget-route"; readonly id: number }
  /** End the link's sessions at once; the listener stays. */
  | { readonly kind: "end-sessions"; readonly id: number }
  | { readonly kind: "close"; readonly id: number }
  | { readonly kind: "stop" };

export type SpliceReport =
  | { readonly kind: "ready" }
  | { readonly kind: "accepted"; readonly id: number; readonly count: number }
  | { readonly kind: "route-wanted"; readonly id: number }
  /** A session, or the accepting of some, has failed. */
  | { readonly kind: "failed"; readonly id: number; readonly why: string };

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
  readonly limits: SpliceLimits;
}

/** Sessions at once; more are closed as soon as they are accepted. */
export interface SpliceLimits {
  readonly perLink: number;
  /** Over all its links. */
  readonly perConsumer: number;
  /** Of all links; more wait in the backlog, for every session may need six descriptors. */
  readonly total: number;
}
