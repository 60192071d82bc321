import type { PeerId } from "../peers/peer-id.ts";
import type { GraphEntry } from "../../shared/formats/graph.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { entryProblem } from "./link-rules.ts";

/**
 * Decides which links exist, as a pure function: (current links, the graph) → effects.
 *
 * A link is keyed by (consumer, name, target). It exists while both peers run; a peer is a
 * process pinned by pid and start time, so a recycled pid is another peer. A link whose provider
 * has ended is held for a time, since the provider may only be restarting. The broker carries the
 * effects out (plants, unplants, ends sessions).
 */

/** Milliseconds that a link waits for a provider that has ended. */
export const PROVIDER_GRACE = 5_000;

/** A graph entry with its running peers; undefined means "not running". */
export interface DesiredEntry<P extends PeerId = PeerId> {
  readonly entry: GraphEntry;
  readonly consumer: P | undefined;
  readonly provider: P | undefined;
}

/** A link that should exist. */
export interface WantedLink<P extends PeerId = PeerId> {
  readonly key: string;
  readonly entry: GraphEntry;
  readonly target: string;
  readonly consumer: P;
  readonly provider: P;
}

/**
 * - established: works
 * - waiting: its provider has ended; connections wait for the next one
 * - failed: could not be planted, worth another try
 * - refused: its plugin said that it can never work as declared
 * - lost: what was planted is no longer there
 */
export type LinkState = "established" | "waiting" | "failed" | "refused" | "lost";

export interface CurrentLink<P extends PeerId = PeerId> {
  readonly wanted: WantedLink<P>;
  readonly state: LinkState;
  /** True when the link has a backlog in which connections can wait for a provider. */
  readonly canWait: boolean;
  /** Time at which a waiting link gives up, on the clock of `now`. */
  readonly waitsUntil: number | undefined;
}

export type LinkEffect<P extends PeerId = PeerId> =
  | { readonly kind: "keep"; readonly key: string }
  | { readonly kind: "add"; readonly key: string; readonly link: WantedLink<P> }
  | { readonly kind: "replace"; readonly key: string; readonly link: WantedLink<P> }
  /** The provider has ended: no connection is accepted until it is back, or `until` passes. */
  | { readonly kind: "hold"; readonly key: string; readonly until: number }
  | { readonly kind: "remove"; readonly key: string }
  /** The entry gets no link; `line` names it and the reason. */
  | { readonly kind: "refuse"; readonly entry: GraphEntry; readonly line: string };

export interface ReconcileOptions {
  isKnownType(type: string): boolean;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: number;
  readonly quirks: Quirks;
}

/**
 * @param current current links by key
 * @returns removals first, so that a target is free before another link takes it
 */
export function reconcile<P extends PeerId>(
  current: ReadonlyMap<string, CurrentLink<P>>,
  desired: readonly DesiredEntry<P>[],
  options: ReconcileOptions,
): LinkEffect<P>[] {
  const { quirks } = options;
  const effects: LinkEffect<P>[] = [];
  const chosen = new Map<string, DesiredEntry<P>>();

  for (const candidate of desired) {
    const entry = withNullTarget(candidate.entry, quirks);
    const refusal = refusalOf(entry, options);
    if (refusal !== undefined) {
      effects.push({ kind: "refuse", entry, line: refusal });
      continue;
    }
    const key = linkKey(entry);
    const first = chosen.get(key);
    if (first === undefined) {
      chosen.set(key, { ...candidate, entry });
      continue;
    }
    effects.push({ kind: "refuse", entry, line: shadowed(first.entry, entry) });
  }

  const changes: LinkEffect<P>[] = [];
  for (const [key, candidate] of chosen) {
    const old = current.get(key);
    const link = wanted(key, candidate, old?.wanted, quirks);
    if (link === undefined) {
      const until = holdUntil(old, candidate, options.now);
      if (until !== undefined) changes.push({ kind: "hold", key, until });
      continue;
    }
    if (old === undefined) changes.push({ kind: "add", key, link });
    else if (isSettled(old, quirks) && sameLink(old.wanted, link))
      changes.push({ kind: "keep", key });
    else changes.push({ kind: "replace", key, link });
  }

  const kept = new Set(changes.map((change) => ("key" in change ? change.key : "")));
  for (const [key, old] of current) {
    if (kept.has(key) || quirks.has("link-never-removed", old.wanted.entry.type)) continue;
    effects.push({ kind: "remove", key });
  }
  return [...effects, ...changes];
}

/** True for entries that differ in their processes only. */
export function sameDeclaration(one: GraphEntry, other: GraphEntry): boolean {
  return declaration(one) === declaration(other);
}

export function samePeer(one: PeerId, other: PeerId): boolean {
  return one.pid === other.pid && one.start === other.start;
}

function refusalOf(entry: GraphEntry, options: ReconcileOptions): string | undefined {
  if (!options.isKnownType(entry.type)) {
    const line = `No plugin found for type ${entry.type}`;
    if (options.quirks.has("unknown-type-fatal")) throw new Error(line);
    return line;
  }
  const problem = entryProblem(entry);
  if (problem === undefined) return undefined;
  return `Refusing link ${entry.consumer}/${entry.name}: ${problem}`;
}

function wanted<P extends PeerId>(
  key: string,
  { entry, consumer, provider }: DesiredEntry<P>,
  old: WantedLink<P> | undefined,
  quirks: Quirks,
): WantedLink<P> | undefined {
  const ends = {
    consumer: quirks.has("no-reinject", entry.type) ? (old?.consumer ?? consumer) : consumer,
    provider: quirks.has("provider-pid-stale", entry.type) ? (old?.provider ?? provider) : provider,
  };
  if (ends.consumer === undefined || ends.provider === undefined) return undefined;
  return {
    key,
    entry,
    target: entry.target ?? "",
    consumer: ends.consumer,
    provider: ends.provider,
  };
}

function sameLink(one: WantedLink, other: WantedLink): boolean {
  return (
    samePeer(one.consumer, other.consumer) &&
    samePeer(one.provider, other.provider) &&
    sameDeclaration(one.entry, other.entry)
  );
}

/** @returns the time until which a link may wait for its provider; undefined when it may not */
function holdUntil<P extends PeerId>(
  old: CurrentLink<P> | undefined,
  { entry, consumer, provider }: DesiredEntry<P>,
  now: number,
): number | undefined {
  if (old === undefined || consumer === undefined || provider !== undefined) return undefined;
  const isUp = old.state === "established" || old.state === "waiting";
  if (!isUp || !old.canWait || !samePeer(old.wanted.consumer, consumer)) return undefined;
  if (!sameDeclaration(old.wanted.entry, entry)) return undefined;
  const until = old.waitsUntil ?? now + PROVIDER_GRACE;
  return now < until ? until : undefined;
}

function isSettled({ state, wanted: { entry } }: CurrentLink, quirks: Quirks): boolean {
  if (quirks.has("reconcile-churn", entry.type)) return false;
  return state === "established" || state === "refused";
}

function declaration({
  consumer_pid: _consumerPid,
  consumer_start: _consumerStart,
  provider_pid: _providerPid,
  provider_start: _providerStart,
  ...declared
}: GraphEntry): string {
  return JSON.stringify(Object.entries(declared).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The key of a link. It is unambiguous: consumer and name hold no slash or blank (SAFE_NAME). */
function linkKey(entry: GraphEntry): string {
  return `${entry.consumer}/${entry.name} ${entry.target ?? ""}`;
}

function shadowed(first: GraphEntry, other: GraphEntry): string {
  return (
    `Two providers of ${other.name} for ${other.consumer} at ${other.target ?? ""}: ` +
    `${first.provider} serves, ${other.provider} does not`
  );
}

function withNullTarget(entry: GraphEntry, quirks: Quirks): GraphEntry {
  const broken = entry.target === null && quirks.has("target-null-path", entry.type);
  return broken ? { ...entry, target: "/null" } : entry;
}
