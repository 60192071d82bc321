import type { ReadGraph, UnreadableEntry } from "../../shared/formats/graph.ts";
import { isOfHostedBus } from "../../shared/formats/hosted-bus.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { everyContainer } from "./every-container.quirk.ts";
import type { PeerTable } from "../peers/peer-table.ts";
import { hostBeforeStart } from "./host-before-start.quirk.ts";
import { hostPeer } from "../peers/unpinned-peer.ts";
import type { Peer } from "../peers/peer.ts";
import type { DesiredEntry } from "./reconcile.ts";

/** Attempts to read a graph that changes while its peers are being pinned. */
const ATTEMPTS = 3;

/** A graph as read, with the pinned processes that it names. */
export interface PinnedGraph {
  readonly desired: readonly DesiredEntry<Peer>[];
  readonly unreadable: readonly UnreadableEntry[];
}

/**
 * Read the graph and pin its peers. Where the graph gives no start time, a pid may have been
 * recycled between pantavisor's writing and our pinning. So the graph is then read again, and used
 * only when nothing new had to be pinned for it.
 *
 * @throws Error when it changes all the time, and the errors of `fetch`
 */
export async function readPinnedGraph(
  fetch: () => Promise<ReadGraph>,
  peers: PeerTable,
  quirks: Quirks,
): Promise<PinnedGraph> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { entries, unreadable } = await fetch();
    const pins = new Pins(peers);
    const early = quirks.has("inject-early") ? hostBeforeStart : () => undefined;
    const wanted = quirks.has("inject-everyone") ? everyContainer(entries) : entries;
    const desired = wanted.map((entry) => ({
      entry,
      consumer: quirks.has("inject-host-side", entry.type)
        ? hostPeer
        : (pins.pin(entry.consumer_pid, entry.consumer_start, entry.consumer) ?? early(entry)),
      provider: isOfHostedBus(entry)
        ? hostPeer
        : pins.pin(entry.provider_pid, entry.provider_start, entry.provider),
    }));
    if (!pins.areUnsure) return { desired, unreadable };
  }
  throw new Error("the graph changes all the time");
}

/** The peers of one graph, each looked up once, so that all its links agree if it runs. */
class Pins {
  areUnsure = false;
  readonly #peers: PeerTable;
  readonly #found = new Map<string, Peer | undefined>();

  constructor(peers: PeerTable) {
    this.#peers = peers;
  }

  pin(pid: number, start: number | undefined, container: string): Peer | undefined {
    const key = `${pid} ${start ?? container}`;
    if (!this.#found.has(key)) {
      const pinned = this.#peers.pin(pid, start, container);
      if (pinned?.isNew === true && start === undefined) this.areUnsure = true;
      this.#found.set(key, pinned?.peer);
    }
    return this.#found.get(key);
  }
}
