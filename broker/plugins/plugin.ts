import type { Socket } from "node:net";
import type { MessageSocket } from "../linux/message-socket.ts";
import type { SocketType } from "../linux/unix-stream.ts";
import type { Quirks } from "../quirks/quirks.ts";
import type { GraphEntry } from "../formats/graph.ts";

/**
 * What every plugin (unix, rest, dbus, drm, …) is to the broker
 * (docs/pantavisor.md §6.6): the core decides which links exist, a plugin plants the
 * resource and mediates what flows through it.
 *
 * Trust: the graph is pantavisor's and trusted; everything that comes from a consumer or a
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
   * The link has left, after an onLinkAdded that ended well; what `tools` planted is taken back by
   * the core afterwards.
   */
  onLinkRemoved?(link: Link): void;
  /**
   * A consumer has connected to the socket that was planted. The session lasts until what is
   * returned has settled.
   */
  onAccept?(link: Link, consumer: ConsumerConnection, tools: Toolbox): void | Promise<void>;
}

/** A link: one consumer's use of one provider's service. Both ends are running and pinned. */
export interface Link {
  readonly consumer: string;
  readonly provider: string;
  readonly name: string;
  readonly type: string;
  /** From the graph alone; nothing a consumer sends changes it. */
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
   * To be called once: what nobody has taken is closed when the session ends.
   * @returns the connection, non-blocking, from which nothing has been read; the caller's to close
   */
  take(): number;
  /**
   * What is to be done when the link or the broker goes away, in place of what was before: end
   * the session. Done at once when it has gone already.
   */
  onEnd(act: ((why: Error) => void) | undefined): void;
  /**
   * The same for who waits; it costs more than the connection itself, and is made when asked for.
   */
  readonly signal: AbortSignal;
}

export interface ConnectOptions {
  /** Looked at only when there is something to wait for. */
  readonly signal: AbortSignal;
  /** Of the connection; the broker's own when absent. */
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
  /** A line on stdout, flushed at once: `pvx-unix: …`; `times` times if it happened as often. */
  log(line: string, times?: number): void;
  /** A line on stderr. */
  warn(line: string): void;
  /** Add to one of the link's counters (`requests`, `rejections`, …), shown by its status. */
  count(link: Link, counter: string, by?: number): void;
  /** Remember an error as the link's last one, and count it. */
  note(link: Link, error: unknown): void;
  /** Plant a listening stream socket at `link.target` in the consumer, mode 0666. */
  injectUnixSocket(link: Link): Promise<void>;
  /**
   * As injectUnixSocket, for links whose bytes need no mediation: the broker itself connects to
   * `link.socket` and carries the sessions, at the speed of the kernel, and whoever sends fds
   * gets EPERM. On a kernel that cannot refuse fds (Linux < 6.16) `onAccept` is called instead.
   * @param onAccepted called after connections, with their number
   */
  injectSplicedSocket(link: Link, onAccepted: (count: number) => void): Promise<void>;
  /** As injectUnixSocket, with a SOCK_SEQPACKET socket. */
  injectPacketSocket(link: Link): Promise<void>;
  /** Make the provider's character device `source` appear at `link.target` in the consumer. */
  injectDevnode(link: Link, source: DeviceNode): Promise<void>;
  /**
   * Whether the consumer's device cgroup keeps it from opening the node that was injected.
   * @returns undefined when this machine cannot tell
   */
  isDeviceDenied(link: Link): Promise<boolean | undefined>;
  /**
   * Look at `path` inside the provider's root, never following a symlink out of it.
   * @throws SystemCallError ENOENT and friends
   */
  statProviderNode(link: Link, path: string): FileFacts;
  /**
   * Connect to `link.socket` inside the provider. Waits up to 5 s for a provider that does
   * not listen yet or has a full backlog.
   */
  connectProvider(link: Link, options: ConnectOptions): Promise<Socket>;
  /**
   * The same as a bare descriptor, non-blocking, that the caller owns; at once where nothing has
   * to be waited for. Who gets a promise goes on outside of the stream loop.
   */
  dialProvider(link: Link, options: ConnectOptions): number | Promise<number>;
  /** The same for a plane of messages: fds and packets can be received from it. */
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

export interface FileFacts {
  readonly isCharacterDevice: boolean;
  readonly major: number;
  readonly minor: number;
  /** Permission bits, 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export type DeviceNode = FileFacts;

/** The link can never work as declared; reported once by name, other links are not touched. */
export class LinkRefused extends Error {
  override readonly name = "LinkRefused";
}
