import type { Socket } from "node:net";
import type { MessageSocket } from "../../shared/linux/message-socket.ts";
import type { SocketType } from "../../shared/linux/unix-stream.ts";
import type { DeviceNode, FileFacts } from "../peers/file-facts.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { GraphEntry } from "../../shared/formats/graph.ts";

/**
 * A plugin for one service type (docs/pantavisor.md §6.6). The core decides which links exist; the
 * plugin plants the resource and mediates what flows through it.
 *
 * Trust: the graph comes from pantavisor and is trusted; everything that comes from a consumer or a
 * provider (bytes, paths, symlinks, file contents, timing) is hostile.
 */
export interface Plugin {
  readonly type: string;
  /**
   * Plant the link's resource in the consumer.
   * @throws LinkRefused when the link can never work as declared; any other error is retried
   */
  onLinkAdded(link: Link, tools: Toolbox): void | Promise<void>;
  /**
   * The link has left the graph after a successful onLinkAdded. The core afterwards takes back what
   * `tools` planted.
   */
  onLinkRemoved?(link: Link): void;
  /**
   * A consumer has connected to the planted socket. The session lasts until the returned promise
   * settles.
   */
  onAccept?(link: Link, consumer: ConsumerConnection, tools: Toolbox): void | Promise<void>;
}

/** A link: one consumer's use of one provider's service. Both ends are running and pinned. */
export interface Link {
  readonly consumer: string;
  readonly provider: string;
  readonly name: string;
  readonly type: string;
  /** Role of the consumer, from the graph alone: nothing that the consumer sends changes it. */
  readonly role: string;
  /** Injection path in the consumer, absolute. */
  readonly target: string;
  /** Path of the socket or node in the provider, absolute. */
  readonly socket: string;
  /** The graph entry as read. */
  readonly entry: GraphEntry;
  readonly consumerPid: number;
  readonly providerPid: number;
}

export interface ConsumerConnection {
  /**
   * Take the connection, once; one that was not taken is closed when the session ends.
   * @returns a non-blocking descriptor from which nothing has been read; the caller closes it
   */
  take(): number;
  /**
   * Set the callback that ends the session when the link or the broker goes away, in place of an
   * earlier one. It is called at once when the link has gone already.
   */
  onEnd(act: ((why: Error) => void) | undefined): void;
  /**
   * Signal of the same event, for code that waits. It costs more than the connection itself, so it
   * is made when it is first read.
   */
  readonly signal: AbortSignal;
}

export interface ConnectOptions {
  /** Signal that ends the wait; read only when there is something to wait for. */
  readonly signal: AbortSignal;
  /** Credentials of the connection; the broker's own when absent. */
  readonly credentials?: Credentials | undefined;
  /** Path inside the provider; `link.socket` when absent. */
  readonly path?: string | undefined;
}

/** Kernel credentials of a provider connection, as SO_PEERCRED will show them. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

export interface Toolbox {
  readonly quirks: Quirks;
  /** Write a line (`pvx-unix: …`) to stdout `times` times, flushed at once. */
  log(line: string, times?: number): void;
  /** Write a line to stderr. */
  warn(line: string): void;
  /**
   * Write a decision to stderr, shortened; undefined unless `PVH_DEBUG` names the topic `filter`.
   */
  readonly decision?: ((link: Link, text: string) => void) | undefined;
  /** Add to one of the link's counters (`requests`, `rejections`, …), shown by its status. */
  count(link: Link, counter: string, by?: number): void;
  /** Remember an error as the link's last one, and count it. */
  note(link: Link, error: unknown): void;
  /** Plant a listening stream socket at `link.target` in the consumer, mode 0666. */
  injectUnixSocket(link: Link): Promise<void>;
  /**
   * As injectUnixSocket, for links whose bytes need no mediation: the broker itself connects to
   * `link.socket` and carries the sessions at the speed of the kernel, and a peer that sends fds
   * gets EPERM. On a kernel that cannot refuse fds (Linux < 6.16) `onAccept` is called instead.
   * @param onAccepted called with the number of connections accepted since the last call
   */
  injectSplicedSocket(link: Link, onAccepted: (count: number) => void): Promise<void>;
  /** As injectUnixSocket, with a SOCK_SEQPACKET socket. */
  injectPacketSocket(link: Link): Promise<void>;
  /** Make the provider's character device `source` appear at `link.target` in the consumer. */
  injectDevnode(link: Link, source: DeviceNode): Promise<void>;
  /**
   * True when the consumer's device cgroup denies opening the injected node; undefined when this
   * machine cannot tell.
   */
  isDeviceDenied(link: Link): Promise<boolean | undefined>;
  /**
   * Look at `path` inside the provider's root, never following a symlink out of it.
   * @throws SystemCallError ENOENT, …
   */
  statProviderNode(link: Link, path: string): FileFacts;
  /**
   * Open a device node inside the provider's root for reading, without waiting.
   * @param judge called with the inode before it is opened, since opening some devices acts; throws
   *   to refuse it
   * @returns a descriptor that the caller owns
   * @throws SystemCallError ENOENT, …; an error of openSync
   */
  openProviderNode(link: Link, path: string, judge: (facts: FileFacts) => void): number;
  /**
   * Connect to `link.socket` inside the provider. Waits up to 5 s for a provider that does
   * not listen yet or has a full backlog.
   */
  connectProvider(link: Link, options: ConnectOptions): Promise<Socket>;
  /**
   * As `connectProvider`, for a bare non-blocking descriptor that the caller owns. It returns the
   * descriptor at once when there is nothing to wait for, and otherwise a promise, which settles
   * outside of the stream loop.
   */
  dialProvider(link: Link, options: ConnectOptions): number | Promise<number>;
  /** As `connectProvider`, for a socket that can receive fds and packets. */
  connectProviderMessages(
    link: Link,
    options: ConnectOptions & { readonly type: SocketType },
  ): Promise<MessageSocket>;
  /**
   * Content of a small regular file in the provider (passwd, group).
   * @returns undefined when it is absent, not a regular file or larger than `maxBytes`
   */
  readProviderFile(link: Link, path: string, maxBytes: number): string | undefined;
}

/** A link that can never work as declared. It is reported once by name; other links go on. */
export class LinkRefused extends Error {
  override readonly name = "LinkRefused";
}
