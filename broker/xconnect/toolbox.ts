import { setTimeout as delay } from "node:timers/promises";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { Socket, createServer } from "node:net";
import type { Server } from "node:net";
import { connectAs } from "../linux/connect-as.ts";
import { splitDeviceNumber } from "../linux/directory-entry.ts";
import { O_PATH } from "../linux/openat2.ts";
import { canRefuseFds, refuseFds } from "../linux/pass-rights.ts";
import { openPidfd } from "../linux/pidfd.ts";
import { connectToInode } from "../linux/unix-stream.ts";
import type { Credentials, DeviceNode, FileFacts, Link, Toolbox } from "../plugins/plugin.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { ContainerRoot } from "./container-root.ts";
import { BACKLOG, isInPlace, plantDevice, plantSocket, unplant } from "./injection.ts";
import type { LinkRecord } from "./link-record.ts";
import type { Output } from "./output.ts";
import { PeerGone } from "./peer-gone.ts";
import type { Peer } from "./peer.ts";
import type { SpliceRoute } from "./splice-messages.ts";
import { SplicePlane } from "./splice-plane.ts";
import type { SpliceListener } from "./splice-plane.ts";
import { PROVIDER_POLL, PROVIDER_WAIT, mayBecomeReachable } from "./provider-wait.ts";

export interface ToolboxOptions {
  readonly quirks: Quirks;
  readonly output: Output;
  /** Also take the place of sockets that somebody listens on. */
  readonly replaceLive: boolean;
}

/** What plugins do to the two ends of a link; every way into a container goes through here. */
export class BrokerToolbox implements Toolbox {
  readonly quirks: Quirks;
  readonly #output: Output;
  readonly #replaceLive: boolean;
  readonly #records = new WeakMap<Link, LinkRecord>();
  #plane: SplicePlane | undefined;

  constructor({ quirks, output, replaceLive }: ToolboxOptions) {
    this.quirks = quirks;
    this.#output = output;
    this.#replaceLive = replaceLive;
  }

  log(line: string): void {
    this.#output.log(line);
  }

  warn(line: string): void {
    this.#output.warn(line);
  }

  /** Make `record.link` known, so that plugins can name the record by it. */
  adopt(record: LinkRecord): void {
    this.#records.set(record.link, record);
  }

  injectUnixSocket(link: Link): Promise<void> {
    return attempt(() => {
      const record = this.#recordOf(link);
      // A link that is re-established for the same consumer keeps its listener: nobody who
      // waits in the backlog is reset.
      if (record.plant?.listener !== undefined && this.isPlantInPlace(record)) return;
      this.#closePlant(record);
      using root = this.#enter(record.wanted.consumer);
      const { fd, planted } = plantSocket(root, link.target, { replaceLive: this.#replaceLive });
      record.plant = { planted, listener: this.#serve(record, fd) };
    });
  }

  injectSplicedSocket(link: Link, onAccepted: () => void): Promise<void> {
    if (!canRefuseFds()) return this.injectUnixSocket(link);
    return attempt(() => {
      const record = this.#recordOf(link);
      const old = record.plant?.listener;
      old?.forgetRoute?.();
      if (old !== undefined && this.isPlantInPlace(record)) return;
      using root = this.#enter(record.wanted.consumer);
      const { fd, planted } = plantSocket(root, link.target, {
        replaceLive: this.#replaceLive,
        // Born so: who connects early must not be able to send fds either.
        prepare: refuseFds,
        ...(this.quirks.has("small-backlog", link.type) ? { backlog: 1 } : {}),
      });
      old?.listenOn?.(fd);
      record.plant = { planted, listener: old ?? this.#splice(record, fd, onAccepted) };
      return this.#plane?.ready;
    });
  }

  injectDevnode(link: Link, source: DeviceNode): Promise<void> {
    return attempt(() => {
      const record = this.#recordOf(link);
      this.release(record);
      using root = this.#enter(record.wanted.consumer);
      record.plant = { planted: plantDevice(root, link.target, source) };
    });
  }

  statProviderNode(link: Link, path: string): FileFacts {
    using root = this.#enter(this.#recordOf(link).wanted.provider);
    const fd = root.open(path, O_PATH);
    try {
      return factsOf(fd);
    } finally {
      closeSync(fd);
    }
  }

  async connectProvider(
    link: Link,
    { signal, credentials }: { signal: AbortSignal; credentials?: Credentials },
  ): Promise<Socket> {
    const record = this.#recordOf(link);
    const deadline = performance.now() + PROVIDER_WAIT;
    for (;;) {
      signal.throwIfAborted();
      try {
        // The record's peer, not the link's: a session that waits while the provider restarts
        // goes on with its successor.
        const fd = this.#dial(record.wanted.provider, link.socket, credentials);
        const socket = new Socket({ fd, allowHalfOpen: true, readable: true, writable: true });
        // A plugin that forgets to listen for errors must not end the broker.
        socket.on("error", () => undefined);
        return socket;
      } catch (error) {
        if (!mayBecomeReachable(error) || performance.now() >= deadline) throw error;
      }
      await delay(PROVIDER_POLL, undefined, { signal });
    }
  }

  readProviderFile(link: Link, path: string, maxBytes: number): string | undefined {
    using root = this.#enter(this.#recordOf(link).wanted.provider);
    let inode: number;
    try {
      inode = root.open(path, O_PATH);
    } catch {
      return undefined;
    }
    try {
      // Judged before it is opened for reading: opening a fifo or a device can wait or act.
      return fstatSync(inode).isFile() ? readBounded(inode, maxBytes) : undefined;
    } finally {
      closeSync(inode);
    }
  }

  /** False when what was planted has been removed or replaced by somebody else. */
  isPlantInPlace({ plant, wanted }: LinkRecord): boolean {
    if (plant === undefined) return true;
    try {
      using root = this.#enter(wanted.consumer);
      return isInPlace(root, wanted.target, plant.planted);
    } catch {
      // The consumer has ended: the next graph says so.
      return true;
    }
  }

  /** End what runs beside the main thread. */
  async close(): Promise<void> {
    await this.#plane?.stop();
    this.#plane = undefined;
  }

  /** Take back what was planted for a link. */
  release(record: LinkRecord): void {
    const { plant, wanted } = record;
    if (plant === undefined) return;
    this.#closePlant(record);
    try {
      using root = this.#enter(wanted.consumer);
      unplant(root, wanted.target, plant.planted);
    } catch (error) {
      if (error instanceof PeerGone) return;
      this.warn(
        `${wanted.entry.consumer}/${wanted.entry.name}: cannot remove ${wanted.target}: ${messageOf(error)}`,
      );
    }
  }

  #closePlant(record: LinkRecord): void {
    record.plant?.listener?.close();
    record.plant = undefined;
  }

  #serve(record: LinkRecord, fd: number): Server {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      void this.#accept(record, socket);
    });
    server.on("error", (error) => {
      this.warn(
        `${record.link.consumer}/${record.link.name}: listener failed: ${messageOf(error)}`,
      );
    });
    // Node calls listen(2) again; beside an fd it takes the backlog as second argument only.
    return server.listen({ fd }, BACKLOG);
  }

  #splice(record: LinkRecord, fd: number, onAccepted: () => void): SpliceListener {
    this.#plane ??= new SplicePlane(this.quirks);
    return this.#plane.serve(fd, {
      consumer: record.link.consumer,
      openRoute: () => openRoute(record),
      onAccepted: (count) => {
        for (let index = 0; index < count; index += 1) onAccepted();
      },
      onFailed: (why) => {
        const { consumer, name } = record.link;
        this.warn(`${consumer}/${name}: ${why}`);
      },
    });
  }

  async #accept(record: LinkRecord, socket: Socket): Promise<void> {
    socket.on("error", () => undefined);
    const { signal, finished } = record.beginSession(socket);
    try {
      await record.ready;
      signal.throwIfAborted();
      await record.plugin?.onAccept?.(record.link, { socket, signal }, this);
    } catch (error) {
      socket.destroy();
      if (!signal.aborted) {
        const { consumer, name } = record.link;
        this.warn(`${consumer}/${name}: session ended: ${messageOf(error)}`);
      }
    } finally {
      finished();
    }
  }

  #dial(provider: Peer, path: string, credentials: Credentials | undefined): number {
    using root = this.#enter(provider);
    const inode = root.open(path, O_PATH);
    try {
      if (!fstatSync(inode).isSocket()) throw new Error(`the provider's ${path} is not a socket`);
      return credentials === undefined ? connectToInode(inode) : connectAs(inode, credentials);
    } finally {
      closeSync(inode);
    }
  }

  #enter(peer: Peer): ContainerRoot {
    return new ContainerRoot(peer, this.quirks);
  }

  #recordOf(link: Link): LinkRecord {
    const record = this.#records.get(link);
    if (record === undefined) throw new Error(`unknown link ${link.consumer}/${link.name}`);
    return record;
  }
}

/**
 * For a broker that only shows what the one that owns pv-ctrl does: the same lines, nothing
 * planted.
 */
export class ShowingToolbox extends BrokerToolbox {
  override injectUnixSocket(): Promise<void> {
    return Promise.resolve();
  }

  override injectSplicedSocket(): Promise<void> {
    return Promise.resolve();
  }

  override injectDevnode(): Promise<void> {
    return Promise.resolve();
  }
}

/** The way to the record's provider, which may have changed since the link began. */
function openRoute({ wanted, link }: LinkRecord): SpliceRoute | undefined {
  const { provider } = wanted;
  try {
    const pidfd = openPidfd(provider.pid);
    try {
      // Looked at after the pidfd was opened: it is that process's, and no successor's.
      return { root: provider.openRoot(), pidfd, path: link.socket };
    } catch (error) {
      closeSync(pidfd);
      throw error;
    }
  } catch {
    return undefined;
  }
}

function attempt(work: () => void | Promise<void>): Promise<void> {
  return Promise.resolve().then(work);
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

function readBounded(inode: number, maxBytes: number): string | undefined {
  const fd = openSync(`/proc/self/fd/${inode}`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(maxBytes + 1);
    let size = 0;
    for (;;) {
      const count = readSync(fd, bytes, size, bytes.length - size, null);
      size += count;
      if (size > maxBytes) return undefined;
      if (count === 0) return bytes.toString("utf8", 0, size);
    }
  } finally {
    closeSync(fd);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
