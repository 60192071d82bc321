import { setTimeout as delay } from "node:timers/promises";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { Socket, createServer } from "node:net";
import type { Server } from "node:net";
import { connectAs } from "../linux/connect-as.ts";
import { splitDeviceNumber } from "../linux/directory-entry.ts";
import { SystemCallError } from "../linux/errno.ts";
import { O_PATH } from "../linux/openat2.ts";
import { connectToInode } from "../linux/unix-stream.ts";
import type { Credentials, DeviceNode, FileFacts, Link, Toolbox } from "../plugins/plugin.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { ContainerRoot } from "./container-root.ts";
import { BACKLOG, isInPlace, plantDevice, plantSocket, unplant } from "./injection.ts";
import type { LinkRecord } from "./link-record.ts";
import type { Output } from "./output.ts";
import { PeerGone } from "./peer.ts";
import type { Peer } from "./peer.ts";

/** How long a connection waits for its provider, in milliseconds. */
const PROVIDER_WAIT = 5_000;
/** The one place of the broker that polls: nothing tells when a provider begins to listen. */
const PROVIDER_POLL = 20;

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

  count(link: Link, counter: string, by = 1): void {
    const { counters } = this.#recordOf(link);
    counters.set(counter, (counters.get(counter) ?? 0) + by);
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

  override injectDevnode(): Promise<void> {
    return Promise.resolve();
  }
}

function attempt(work: () => void): Promise<void> {
  return Promise.resolve().then(work);
}

function mayBecomeReachable(error: unknown): boolean {
  if (error instanceof PeerGone) return true;
  const waitFor = ["ENOENT", "ECONNREFUSED", "EAGAIN"];
  return error instanceof SystemCallError && waitFor.includes(error.code);
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
