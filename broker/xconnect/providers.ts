import { closeSync, fstatSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { connectAs } from "../linux/connect-as.ts";
import { splitDeviceNumber } from "../linux/directory-entry.ts";
import { O_PATH } from "../linux/openat2.ts";
import { connectToInode } from "../linux/unix-stream.ts";
import type { SocketType } from "../linux/unix-stream.ts";
import type { ConnectOptions, FileFacts } from "../plugins/plugin.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { ContainerRoot } from "./container-root.ts";
import { dialProvider } from "./dial-provider.ts";
import { isInPlace } from "./injection.ts";
import type { Planted } from "./injection.ts";
import type { LinkRecord } from "./link-record.ts";
import { PeerGone } from "./peer-gone.ts";
import type { Peer } from "./peer.ts";
import { ProviderFiles } from "./provider-files.ts";
import { PROVIDER_POLL, PROVIDER_WAIT, mayBecomeReachable } from "./provider-wait.ts";

/** The providers of links: their sockets, nodes and files, looked up in their own roots. */
export class Providers {
  readonly #quirks: Quirks;
  readonly #files = new WeakMap<Peer, ProviderFiles>();

  constructor(quirks: Quirks) {
    this.#quirks = quirks;
  }

  /**
   * Connect: at once where the provider can be reached, which costs no promise; else waiting
   * until it can be.
   * @returns a connected fd that the caller owns
   * @throws Error when waiting would not help; rejects with what the last attempt did, after
   *         PROVIDER_WAIT, or the signal's reason
   */
  connect(record: LinkRecord, options: ConnectOptions, type: SocketType): number | Promise<number> {
    return this.#attempt(record, options, type) ?? this.#persist(record, options, type);
  }

  /**
   * A link whose own socket is where its provider's is looked for would connect to itself for
   * each connection, without end.
   * @throws Error when it is, or when its provider is none that links may reach
   */
  refuseLoop({ wanted, link }: LinkRecord, planted: Planted): void {
    try {
      using root = new ContainerRoot(wanted.provider, this.#quirks);
      const open = (path: string) => root.open(path, O_PATH);
      if (!isInPlace({ open }, link.socket, planted)) return;
    } catch (error) {
      // The next graph says so.
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

  /** @returns undefined when it cannot be reached yet, but for the last time */
  #attempt(
    record: LinkRecord,
    { credentials, path = record.link.socket }: ConnectOptions,
    type: SocketType,
    isLast = false,
  ): number | undefined {
    try {
      // The record's provider of now: a session that waits while it restarts goes on with
      // its successor.
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
