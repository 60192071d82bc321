import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { connectAs } from "../../shared/linux/connect-as.ts";
import { splitDeviceNumber } from "../../shared/linux/directory-entry.ts";
import { O_PATH } from "../../shared/linux/openat2.ts";
import { connectToInode } from "../../shared/linux/unix-stream.ts";
import type { SocketType } from "../../shared/linux/unix-stream.ts";
import type { FileFacts } from "../peers/file-facts.ts";
import type { ConnectOptions } from "../plugins/plugin.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { ContainerRoot } from "../peers/container-root.ts";
import { dialProvider } from "../peers/dial-provider.ts";
import { isInPlace } from "../peers/injection.ts";
import type { Planted } from "../peers/injection.ts";
import type { LinkRecord } from "./link-record.ts";
import { PeerGone } from "../peers/peer-gone.ts";
import type { Peer } from "../peers/peer.ts";
import { ProviderFiles } from "../peers/provider-files.ts";
import { PROVIDER_POLL, PROVIDER_WAIT, mayBecomeReachable } from "../peers/provider-wait.ts";

/** Access to providers' sockets, nodes and files, whose paths are resolved in their own roots. */
export class Providers {
  readonly #quirks: Quirks;
  readonly #files = new WeakMap<Peer, ProviderFiles>();

  constructor(quirks: Quirks) {
    this.#quirks = quirks;
  }

  /**
   * Connect to the link's provider. A provider that can be reached is connected to at once, without
   * a promise; for another one the promise waits.
   * @returns a connected fd that the caller owns
   * @throws Error when waiting would not help; the promise rejects with the last attempt's error
   *   after PROVIDER_WAIT, or with the signal's reason
   */
  connect(record: LinkRecord, options: ConnectOptions, type: SocketType): number | Promise<number> {
    return this.#attempt(record, options, type) ?? this.#persist(record, options, type);
  }

  /**
   * Refuse a link whose planted socket is also the provider's socket: each connection to it would
   * make another connection to itself, without end.
   * @throws Error for such a link, and for a provider that links may not reach
   */
  refuseLoop({ wanted, link }: LinkRecord, planted: Planted): void {
    try {
      using root = new ContainerRoot(wanted.provider, this.#quirks);
      const open = (path: string) => root.open(path, O_PATH);
      if (!isInPlace({ open }, link.socket, planted)) return;
    } catch (error) {
      // The provider has ended; the next graph tells.
      if (error instanceof PeerGone) return;
      throw error;
    }
    throw new Error(`the provider's ${link.socket} is the link itself`);
  }

  /** As Toolbox.statProviderNode. */
  stat(record: LinkRecord, path: string): FileFacts {
    using root = this.#enter(record);
    const fd = root.open(path, O_PATH);
    try {
      return factsOf(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** As Toolbox.openProviderNode. */
  openNode(record: LinkRecord, path: string, judge: (facts: FileFacts) => void): number {
    using root = this.#enter(record);
    const inode = root.open(path, O_PATH);
    try {
      judge(factsOf(inode));
      // By its descriptor: the provider may have put another file at the path meanwhile.
      return openSync(`/proc/self/fd/${inode}`, constants.O_RDONLY | constants.O_NONBLOCK);
    } finally {
      closeSync(inode);
    }
  }

  /** As Toolbox.readProviderFile. */
  readFile(record: LinkRecord, path: string, maxBytes: number): string | undefined {
    const { provider } = record.wanted;
    const files = this.#files.get(provider) ?? new ProviderFiles();
    this.#files.set(provider, files);
    using root = this.#enter(record);
    return files.read(root, path, maxBytes);
  }

  async #persist(record: LinkRecord, options: ConnectOptions, type: SocketType): Promise<number> {
    const { signal } = options;
    const deadline = performance.now() + PROVIDER_WAIT;
    for (;;) {
      await delay(PROVIDER_POLL, undefined, { signal });
      const isLast = performance.now() >= deadline;
      const fd = this.#attempt(record, options, type, isLast);
      if (fd !== undefined) return fd;
    }
  }

  /** @returns undefined when the provider cannot be reached yet, unless this is the last attempt */
  #attempt(
    record: LinkRecord,
    { credentials, path = record.link.socket }: ConnectOptions,
    type: SocketType,
    isLast = false,
  ): number | undefined {
    try {
      // Use the record's present provider: a session that waited while the provider restarted goes
      // on with its successor.
      using root = this.#enter(record);
      const connect = (inode: number) =>
        credentials === undefined
          ? connectToInode(inode, { type })
          : connectAs(inode, credentials, type);
      return dialProvider(root, path, connect, this.#quirks);
    } catch (error) {
      if (isLast || !mayBecomeReachable(error, this.#quirks)) throw error;
      return undefined;
    }
  }

  #enter({ wanted }: LinkRecord): ContainerRoot {
    return ContainerRoot.lentBy(wanted.provider, this.#quirks);
  }
}

function factsOf(fd: number): FileFacts {
  const facts = fstatSync(fd, { bigint: true });
  return {
    isCharacterDevice: facts.isCharacterDevice(),
    ...splitDeviceNumber(facts.rdev),
    mode: Number(facts.mode & 0o7777n),
    uid: Number(facts.uid),
    gid: Number(facts.gid),
  };
}
