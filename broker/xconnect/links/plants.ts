import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from "../../shared/linux/openat2.ts";
import { refuseFds } from "../../shared/linux/pass-rights.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { DeviceNode } from "../peers/file-facts.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { ContainerRoot } from "../peers/container-root.ts";
import type { DirectoryWatches } from "./directory-watches.ts";
import { ANY_INODE, isInPlace, plantDevice, plantSocket, unplant } from "../peers/injection.ts";
import type { PlantLedger, PlantOptions, Planted } from "../peers/injection.ts";
import type { LinkRecord } from "./link-record.ts";
import type { SocketListener } from "./listener.ts";
import { PeerGone } from "../peers/peer-gone.ts";
import { pinPeer } from "../peers/peer.ts";
import type { Peer } from "../peers/peer.ts";
import { PlantedInodes } from "../peers/planted-inodes.ts";
import type { PlantedJournal } from "../peers/planted-journal.ts";

export interface PlantsOptions {
  readonly quirks: Quirks;
  /** True when sockets may be replaced even if a process listens on them. */
  readonly replaceLive: boolean;
  /** Journal of planted inodes. */
  readonly journal?: PlantedJournal;
  readonly warn: (line: string) => void;
}

/** Plants for links and takes back: keeps `record.plant` of each link and the journal of all. */
export class Plants {
  readonly #options: PlantsOptions;
  readonly #inodes = new PlantedInodes();

  constructor(options: PlantsOptions) {
    this.#options = options;
  }

  /**
   * Plant a socket for a link that has nothing planted.
   * @returns the listening `fd`, which the caller owns
   * @throws the errors of plantSocket, and PeerGone
   */
  addSocket(
    record: LinkRecord,
    kind: SocketListener["kind"],
  ): { readonly fd: number; readonly planted: Planted } {
    using root = this.#enter(record.wanted.consumer);
    const made = plantSocket(root, record.link.target, this.#socketOptions(record, kind));
    this.#keep(record, made.planted);
    if (this.#isUnseen) this.#unplant(record.wanted.consumer, record.link.target, made.planted);
    return made;
  }

  /**
   * Plant a device node for a link that has nothing planted.
   * @throws the errors of plantDevice, and PeerGone
   */
  addDevice(record: LinkRecord, source: DeviceNode): void {
    using root = this.#enter(record.wanted.consumer);
    this.#keep(record, plantDevice(root, record.link.target, source, this.#ledgerOf(record)));
  }

  /** @returns an O_PATH fd of the file at the link's target now, which the caller owns */
  openTarget({ link, wanted }: LinkRecord): number {
    using root = this.#enter(wanted.consumer);
    return root.open(link.target, O_PATH | O_NOFOLLOW);
  }

  /** False when the planted inode has been removed or replaced. */
  isInPlace({ plant, wanted }: LinkRecord): boolean {
    if (plant === undefined || this.#isUnseen) return true;
    try {
      using root = this.#enter(wanted.consumer);
      return isInPlace(root, wanted.target, plant.planted);
    } catch {
      // It cannot be known now: either the consumer has ended, which the next graph tells, or there
      // are no descriptors left, which must not cost a link.
      return true;
    }
  }

  /** Watch the planted inode of a link for changes. */
  watch({ plant, wanted }: LinkRecord, watches: DirectoryWatches): void {
    if (plant === undefined) return;
    const slash = wanted.target.lastIndexOf("/");
    try {
      using root = this.#enter(wanted.consumer);
      const directory = root.open(wanted.target.slice(0, slash + 1), O_PATH | O_DIRECTORY);
      watches.add(directory, wanted.target.slice(slash + 1));
    } catch {
      // The consumer has ended or removed the directory; the next reconcile sees that.
    }
  }

  /** Remove the planted inode of a link. */
  release(record: LinkRecord): void {
    const { plant, wanted } = record;
    if (plant === undefined) return;
    record.plant = undefined;
    this.#inodes.delete(plant.planted);
    plant.listener?.close();
    try {
      this.#unplant(wanted.consumer, wanted.target, plant.planted);
    } catch (error) {
      if (error instanceof PeerGone) return;
      const { consumer, name } = wanted.entry;
      this.#options.warn(
        `${consumer}/${name}: cannot remove ${wanted.target}: ${messageOf(error)}`,
      );
    }
  }

  /** Remove the inodes that a killed broker has left. */
  removeLeftovers(): void {
    const { journal, quirks, warn } = this.#options;
    if (quirks.has("broker-orphans")) return;
    for (const { consumer, target, planted } of journal?.read() ?? []) {
      const peer = pinPeer(consumer.pid);
      try {
        if (peer?.start === consumer.start) this.#unplant(peer, target, planted);
      } catch (error) {
        warn(`cannot remove ${target} of process ${consumer.pid}: ${messageOf(error)}`);
      } finally {
        peer?.close();
      }
    }
  }

  /** Rewrite the journal with the present plants, which keeps it short. */
  writeJournal(records: Iterable<LinkRecord>): void {
    const entries = [...records].flatMap(({ plant, wanted: { consumer, target } }) =>
      plant === undefined ? [] : [{ consumer, target, planted: plant.planted }],
    );
    this.#options.journal?.rewrite(entries);
  }

  #socketOptions(record: LinkRecord, kind: SocketListener["kind"]): PlantOptions {
    const { quirks, replaceLive } = this.#options;
    const common = { replaceLive, ledger: this.#ledgerOf(record) };
    if (kind !== "spliced") return { ...common, type: kind };
    return {
      ...common,
      // Set it before the socket can be reached: an early consumer must not be able to send fds
      // either.
      prepare: refuseFds,
      ...(quirks.has("small-backlog", "unix") ? { backlog: 10 } : {}),
    };
  }

  /** Sockets do not stay where they are planted. */
  get #isUnseen(): boolean {
    return this.#options.quirks.has("no-inject");
  }

  #keep(record: LinkRecord, planted: Planted): void {
    record.plant = { planted };
    this.#inodes.add(planted);
  }

  #ledgerOf({ wanted: { consumer, target } }: LinkRecord): PlantLedger {
    const { journal } = this.#options;
    return {
      isPlanted: (inode) => this.#inodes.has(inode),
      willUse: (path) => journal?.add({ consumer, target: path, planted: ANY_INODE }),
      willPlant: (planted) => journal?.add({ consumer, target, planted }),
    };
  }

  #unplant(consumer: Peer, target: string, planted: Planted): void {
    using root = this.#enter(consumer);
    unplant(root, target, planted);
  }

  #enter(peer: Peer): ContainerRoot {
    return new ContainerRoot(peer, this.#options.quirks);
  }
}
