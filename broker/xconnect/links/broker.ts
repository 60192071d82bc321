import type { BrokerStatus } from "../../shared/formats/broker-status.ts";
import type { GraphEntry, ReadGraph } from "../../shared/formats/graph.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { PluginRegistry } from "../plugins/registry.ts";
import { LinkRefused } from "../plugins/plugin.ts";
import type { Link } from "../plugins/plugin.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { DirectoryWatches } from "./directory-watches.ts";
import { fetchGraph, fetchState } from "./graph-client.ts";
import { LinkRecord } from "./link-record.ts";
import type { Output } from "./output.ts";
import { PeerTable } from "../peers/peer-table.ts";
import type { Peer } from "../peers/peer.ts";
import { readPinnedGraph } from "./pinned-graph.ts";
import type { PinnedGraph } from "./pinned-graph.ts";
import { reconcile, sameDeclaration, samePeer } from "./reconcile.ts";
import type { DesiredEntry, LinkEffect, WantedLink } from "./reconcile.ts";
import { withStateExtensions } from "./state-extensions.ts";
import type { BrokerToolbox } from "./toolbox.ts";

const FETCH_TIMEOUT = 5_000;
/** Pause between reconciles, in milliseconds; a signal from pantavisor ends it early. */
const POLL = 5_000;
const RETRY_LINK = 1_000;
const RETRY_FETCH = 200;

export interface BrokerOptions {
  /** Path of the pv-ctrl socket. */
  readonly ctrl: string;
  readonly quirks: Quirks;
  readonly output: Output;
  readonly plugins: PluginRegistry;
  readonly tools: BrokerToolbox;
  /** True under a Pantavisor whose graph has no extensions: they are looked up in the state. */
  readonly extensionsOfState: boolean;
  /** True when removed sockets and nodes are to be planted again. */
  readonly replant: boolean;
}

/** Keeps the set of links equal to the graph of pv-ctrl. */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #records = new Map<string, LinkRecord>();
  readonly #peers: PeerTable;
  /** Watches on planted sockets and nodes; a touched one is looked for at once. */
  readonly #watches = new DirectoryWatches(() => this.graphChanged());
  readonly #pluginLinks = new Map<string, { added: number; removed: number }>();
  #reconciles = 0;
  #refusals = new Set<string>();
  #connected = false;
  #reconciled = false;
  #wake: () => void = () => undefined;
  /** Begin the present pause again, once. */
  #postpone: () => void = () => undefined;
  #changed = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#peers = new PeerTable(options.quirks);
  }

  /** The broker's part of its status document. */
  status(): Pick<BrokerStatus, "ctrl" | "reconciles" | "plugins" | "links"> {
    const { ctrl, plugins } = this.#options;
    return {
      ctrl,
      reconciles: this.#reconciles,
      plugins: Object.fromEntries(plugins.loaded.map((type) => [type, this.#linksOf(type)])),
      links: [...this.#records.values()].map((record) => record.status()),
    };
  }

  /** Reconcile at once because the graph has changed, or once more after the round under way. */
  graphChanged(): void {
    if (this.#options.quirks.has("poll-only")) {
      this.#postpone();
      return;
    }
    this.#changed = true;
    this.#wake();
  }

  /** Reconcile until the signal fires, then take everything back. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    const { tools, plugins, quirks } = this.#options;
    tools.plants.removeLeftovers();
    if (quirks.has("plugin-eager")) await plugins.loadAll();
    while (!signal.aborted) {
      this.#changed = false;
      const pause = await this.#round(signal);
      await this.#sleep(pause, signal);
    }
    for (const record of this.#records.values()) this.#drop(record, "the broker ends");
    this.#records.clear();
    this.#watches.close();
    this.#peers.retain(new Set());
    await this.#options.tools.close();
  }

  /** @returns milliseconds until the next round */
  async #round(signal: AbortSignal): Promise<number> {
    const { output, quirks } = this.#options;
    try {
      const fetch = () => this.#fetchGraph(signal);
      return await this.#reconcile(await readPinnedGraph(fetch, this.#peers, quirks));
    } catch (error) {
      if (signal.aborted) return 0;
      const line = `Failed to initiate connection to pv-ctrl: ${messageOf(error)}`;
      if (this.#connected || !this.#refusals.has(line)) output.warn(line);
      this.#connected = false;
      this.#refusals.add(line);
      return RETRY_FETCH;
    }
  }

  async #fetchGraph(signal: AbortSignal): Promise<ReadGraph> {
    const { ctrl, quirks, output } = this.#options;
    const graph = await fetchGraph(ctrl, { signal, timeout: FETCH_TIMEOUT, quirks });
    if (!this.#connected) output.log("Connected to pv-ctrl");
    this.#connected = true;
    if (!this.#options.extensionsOfState) return graph;
    return withStateExtensions(
      graph,
      await fetchState(ctrl, { signal, timeout: FETCH_TIMEOUT, quirks }),
    );
  }

  async #reconcile({ desired, unreadable }: PinnedGraph): Promise<number> {
    const { plugins, quirks, output, tools } = this.#options;
    this.#findLost();
    const now = performance.now();
    const effects = reconcile(this.#records, desired, {
      isKnownType: (type) => plugins.has(type),
      now,
      quirks,
    });
    const refusals = [
      ...unreadable.map(({ link, name, problem }) => ({
        line: `Refusing link ${link}: ${problem}`,
        entry: { name },
      })),
      ...effects.flatMap((effect) => (effect.kind === "refuse" ? [effect] : [])),
    ];
    const news = refusals.filter(({ line }) => !this.#refusals.has(line));
    for (const effect of effects) if (effect.kind === "hold") this.#hold(effect);
    const changes = effects.filter(({ kind }) => !["keep", "refuse", "hold"].includes(kind));
    if (!this.#reconciled || news.length > 0 || changes.length > 0) {
      output.log(`Reconciling graph with ${desired.length} links`);
    }
    this.#reconciled = true;
    for (const { line, entry } of news) this.#reportRefusal(line, entry);
    this.#refusals = new Set(refusals.map(({ line }) => line));
    for (const effect of changes) await this.#apply(effect);
    this.#peers.retain(this.#peersInUse(desired));
    if (changes.length > 0) tools.plants.writeJournal(this.#records.values());
    this.#watch();
    this.#reconciles += 1;
    return this.#pause(now, changes.length > 0);
  }

  /** @returns milliseconds until the next round */
  #pause(now: number, changed: boolean): number {
    const records = [...this.#records.values()];
    const hasFailed = records.some(({ state }) => state === "failed");
    const retry = hasFailed && changed ? RETRY_LINK : POLL;
    const waits = records.flatMap(({ waitsUntil }) => waitsUntil ?? []);
    return Math.max(0, Math.min(retry, ...waits.map((until) => until - now)));
  }

  #hold({ key, until }: LinkEffect<Peer> & { kind: "hold" }): void {
    const record = this.#records.get(key);
    if (record === undefined || record.state === "waiting") return;
    record.state = "waiting";
    record.waitsUntil = until;
    this.#options.tools.hold(record);
    const { consumer, name, provider } = record.link;
    this.#options.output.log(`Holding link: ${consumer}/${name} waits for ${provider}`);
  }

  #watch(): void {
    const { tools, replant } = this.#options;
    if (!replant) return;
    for (const record of this.#records.values()) {
      if (record.state === "established") tools.plants.watch(record, this.#watches);
    }
  }

  #findLost(): void {
    const { tools, quirks, replant } = this.#options;
    for (const record of this.#records.values()) {
      if (!replant || quirks.has("socket-not-replanted", record.link.type)) continue;
      if (record.state === "established" && !tools.plants.isInPlace(record)) record.state = "lost";
    }
  }

  async #apply(effect: LinkEffect<Peer>): Promise<void> {
    if (effect.kind === "remove") {
      const record = this.#records.get(effect.key);
      if (record !== undefined) this.#remove(record);
    } else if (effect.kind === "add") {
      await this.#establish(this.#newRecord(effect.link));
    } else if (effect.kind === "replace") {
      const old = this.#records.get(effect.key);
      if (old !== undefined) await this.#replace(old, effect.link);
    }
  }

  async #replace(record: LinkRecord, wanted: WantedLink<Peer>): Promise<void> {
    const { wanted: old, state } = record;
    this.#options.output.log(describeReplacement(old, wanted, state));
    if (!samePeer(old.consumer, wanted.consumer) || old.entry.type !== wanted.entry.type) {
      this.#drop(record, "the link is re-established");
      const successor = this.#newRecord(wanted);
      successor.reported = record.reported;
      successor.counters = record.counters;
      await this.#establish(successor);
      return;
    }
    // Sessions with a restarting provider end by themselves when its sockets close, after its bytes
    // have been delivered, and connections that wait for it go on. But a session must not go on
    // under another role or with another provider.
    if (!sameDeclaration(old.entry, wanted.entry)) record.endSessions("the link has changed");
    this.#tellRemoved(record);
    record.wanted = wanted;
    record.link = toLink(wanted, this.#options.quirks);
    await this.#establish(record);
  }

  async #establish(record: LinkRecord): Promise<void> {
    const { output, tools, plugins } = this.#options;
    const { link } = record;
    const ready = Promise.withResolvers<undefined>();
    ready.promise.catch(() => undefined);
    record.ready = ready.promise.then(() => undefined);
    record.ready.catch(() => undefined);
    record.isReady = false;
    record.waitsUntil = undefined;
    tools.adopt(record);
    const peer = `(pid=${link.consumerPid}, ${link.type})`;
    output.log(
      `Adding link: ${link.consumer} ${peer} -> ${link.socket} (inject to: ${link.target})`,
    );
    try {
      record.plugin = await plugins.load(link.type);
      await record.plugin.onLinkAdded(link, tools);
      record.isAdded = true;
      this.#linksOf(link.type).added += 1;
      record.state = "established";
      record.reported = "";
      record.isReady = true;
      ready.resolve(undefined);
      output.log(`Link established: ${link.consumer}/${link.name}`);
    } catch (error) {
      record.state = error instanceof LinkRefused ? "refused" : "failed";
      // This ends connections that wait for the link. Its earlier sessions go on without it.
      ready.reject(error);
      tools.plants.release(record);
      this.#reportFailure(record, error);
    }
  }

  #reportFailure(record: LinkRecord, error: unknown): void {
    const { consumer, name, target } = record.link;
    const line = `${consumer}/${name}: cannot provide ${target} in ${consumer}: ${messageOf(error)}`;
    record.counters.note(error);
    if (record.reported === line || this.#options.quirks.has("inject-error-silent")) return;
    record.reported = line;
    this.#options.output.warn(line);
    this.#options.output.warn(`Failed to add link for ${name}`);
  }

  #reportRefusal(line: string, { name }: Pick<GraphEntry, "name">): void {
    this.#options.output.warn(line);
    if (line.startsWith("Refusing")) this.#options.output.warn(`Failed to add link for ${name}`);
  }

  #newRecord(wanted: WantedLink<Peer>): LinkRecord {
    const record = new LinkRecord(wanted, toLink(wanted, this.#options.quirks));
    this.#records.set(wanted.key, record);
    return record;
  }

  #remove(record: LinkRecord): void {
    this.#records.delete(record.wanted.key);
    this.#options.output.log(`Removing link: ${record.link.consumer}/${record.link.name}`);
    this.#drop(record, "the link has left the graph");
  }

  #drop(record: LinkRecord, why: string): void {
    record.endSessions(why);
    record.spliced?.remove();
    this.#options.tools.plants.release(record);
    this.#tellRemoved(record);
  }

  #tellRemoved(record: LinkRecord): void {
    if (!record.isAdded) return;
    record.isAdded = false;
    this.#linksOf(record.link.type).removed += 1;
    record.plugin?.onLinkRemoved?.(record.link);
  }

  #linksOf(type: string): { added: number; removed: number } {
    const links = this.#pluginLinks.get(type) ?? { added: 0, removed: 0 };
    this.#pluginLinks.set(type, links);
    return links;
  }

  #peersInUse(desired: readonly DesiredEntry<Peer>[]): Set<Peer> {
    const ends = [...desired, ...[...this.#records.values()].map(({ wanted }) => wanted)];
    return new Set(
      ends.flatMap(({ consumer, provider }) =>
        [consumer, provider].filter((peer) => peer !== undefined),
      ),
    );
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#changed || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let timer = setTimeout(() => resolve(undefined), milliseconds);
    this.#wake = () => resolve(undefined);
    this.#postpone = () => {
      clearTimeout(timer);
      timer = setTimeout(() => resolve(undefined), POLL);
      this.#postpone = () => undefined;
    };
    await promise;
    clearTimeout(timer);
  }
}

function toLink({ entry, target, consumer, provider }: WantedLink<Peer>, quirks: Quirks): Link {
  // 029-32 cuts paths at the 107 bytes of sun_path (docs/pantavisor.md §6.3).
  const cut = (path: string) =>
    quirks.has("path-truncated", entry.type) ? path.slice(0, 107) : path;
  return {
    consumer: entry.consumer,
    provider: entry.provider,
    name: entry.name,
    type: entry.type,
    role: entry.role,
    target: cut(target),
    socket: cut(entry.socket),
    entry,
    consumerPid: consumer.pid,
    providerPid: provider.pid,
  };
}

function describeReplacement(old: WantedLink, now: WantedLink, state: string): string {
  const link = `${now.entry.consumer}/${now.entry.name}`;
  if (state === "failed") return `Retrying link: ${link}`;
  if (state === "lost") return `Re-planting link ${link} (target ${now.target}): it was removed`;
  return (
    `Re-establishing link ${link} (target ${now.target}) after restart ` +
    `(consumer pid ${old.consumer.pid}->${now.consumer.pid}, ` +
    `provider pid ${old.provider.pid}->${now.provider.pid})`
  );
}
