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
import type { LinkRecord } from "./link-record.ts";
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
   * Connect, waiting for a provider that cannot be reached yet.
   * @returns a connected fd that the caller owns
   * @throws what the last attempt did, after PROVIDER_WAIT; the signal's reason
   */
  async connect(
    record: LinkRecord,
    { signal, credentials, path = record.link.socket }: ConnectOptions,
    type: SocketType,
  ): Promise<number> {
    const connect = (inode: number) =>
      credentials === undefined
        ? connectToInode(inode, { type })
        : connectAs(inode, credentials, type);
    const deadline = performance.now() + PROVIDER_WAIT;
    for (;;) {
      signal.throwIfAborted();
      try {
        // The record's provider of now: a session that waits while it restarts goes on with
        // its successor.
        using root = this.#enter(record);
        return dialProvider(root, path, connect, this.#quirks);
      } catch (error) {
        if (!mayBecomeReachable(error, this.#quirks) || performance.now() >= deadline) throw error;
      }
      await delay(PROVIDER_POLL, undefined, { signal });
    }
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

  #enter({ wanted }: LinkRecord): ContainerRoot {
    return new ContainerRoot(wanted.provider, this.#quirks);
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
