import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket, createServer, connect } from "node:net";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LinkExtensions } from "../../shared/formats/extensions.ts";
import type { GraphEntry } from "../../shared/formats/graph.ts";
import { O_PATH } from "../../shared/linux/openat2.ts";
import { takeDescriptor } from "../../shared/linux/take-descriptor.fixture.ts";
import { connectToInode } from "../../shared/linux/unix-stream.ts";
import { messageOf } from "../../shared/message-of.ts";
import { parseQuirks } from "../../shared/quirks/quirks.ts";
import { Session } from "../links/session.ts";
import type { Credentials, Link, Plugin, Toolbox } from "./plugin.ts";

/** Parts of the toolbox that a plugin's test provides; the others throw when used. */
export interface BenchOptions {
  readonly plugin: Plugin;
  readonly role?: string;
  readonly uid?: number;
  /** Further keys of the graph entry. */
  readonly entry?: Partial<GraphEntry>;
  readonly quirks?: string;
  /** Manifest extensions, as merged into the graph entry. */
  readonly extensions?: LinkExtensions;
  /** Content of files in the provider, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** True when the plugin is to tell its decisions. */
  readonly tellsDecisions?: boolean;
  /** Function that connects to the provider; absent for a plain connection to `provider.sock`. */
  readonly dial?: Dial;
}

/** @returns a descriptor that the caller owns */
type Dial = (path: string, credentials: Credentials | undefined) => number | Promise<number>;

/**
 * One link with real sockets on both sides: `consumer.sock` stands for the socket at the link's
 * target, and the test listens on `provider.sock`.
 */
export class Bench {
  readonly directory = mkdtempSync(join(tmpdir(), "pvx-"));
  readonly consumerPath = join(this.directory, "consumer.sock");
  readonly providerPath = join(this.directory, "provider.sock");
  readonly link: Link;
  readonly tools: Toolbox;
  readonly lines: string[] = [];
  readonly warnings: string[] = [];
  readonly decisions: string[] = [];
  readonly counters = new Map<string, number>();
  /** Last errors of the link, in order. */
  readonly notes: string[] = [];
  /** Credentials of each provider connection, in order. */
  readonly dialled: (Credentials | undefined)[] = [];
  readonly #sessions = new Set<Session>();
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #plugin: Plugin;

  constructor(options: BenchOptions) {
    this.#plugin = options.plugin;
    this.link = linkOf(options);
    const dial = options.dial ?? dialPlainly;
    this.tools = {
      quirks: parseQuirks(options.quirks),
      log: (line) => this.lines.push(line),
      warn: (line) => this.warnings.push(line),
      decision:
        options.tellsDecisions === true ? (_link, text) => this.decisions.push(text) : undefined,
      count: (_link, counter, by = 1) =>
        void this.counters.set(counter, (this.counters.get(counter) ?? 0) + by),
      injectUnixSocket: () => this.#listenForConsumers(),
      injectSplicedSocket: () => this.#listenForConsumers(),
      note: (_link, error) => void this.notes.push(messageOf(error)),
      isDeviceDenied: () => Promise.resolve(undefined),
      injectPacketSocket: () => Promise.reject(new Error("not on this bench")),
      connectProviderMessages: () => Promise.reject(new Error("not on this bench")),
      injectDevnode: () => Promise.reject(new Error("not on this bench")),
      statProviderNode: notHere,
      openProviderNode: notHere,
      connectProvider: async (_link, { credentials }) => {
        this.dialled.push(credentials);
        const fd = await dial(this.providerPath, credentials);
        return this.#keep(new Socket({ fd, allowHalfOpen: true, readable: true, writable: true }));
      },
      dialProvider: (_link, { credentials }) => {
        this.dialled.push(credentials);
        return dial(this.providerPath, credentials);
      },
      readProviderFile: (_link, path) => options.files?.[path],
    };
  }

  /** Inject the link. */
  async start(): Promise<void> {
    await this.#plugin.onLinkAdded(this.link, this.tools);
  }

  /** Listen as the provider. */
  async provide(onConnection: (socket: Socket) => void): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      onConnection(this.#keep(socket));
    });
    await this.#listen(server, this.providerPath);
  }

  /** Connect as the consumer. */
  consume(): Socket {
    const socket = connect({ path: this.consumerPath, allowHalfOpen: true });
    socket.on("error", () => undefined);
    return this.#keep(socket);
  }

  /** Number of Node's sockets of both sides; the session's own descriptors do not count. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  /** End the sessions, as when the link leaves the graph. */
  endSessions(): void {
    for (const session of this.#sessions) session.end(new Error("the link has gone"));
  }

  [Symbol.dispose](): void {
    this.endSessions();
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #listenForConsumers(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.#keep(socket).on("error", () => undefined);
      const consumer = new Session(takeDescriptor(socket));
      this.#sessions.add(consumer);
      Promise.resolve(this.#plugin.onAccept?.(this.link, consumer, this.tools))
        .catch((error: unknown) => this.warnings.push(String(error)))
        .finally(() => consumer[Symbol.dispose]());
    });
    await this.#listen(server, this.consumerPath);
  }

  async #listen(server: Server, path: string): Promise<void> {
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}

/** All text that arrives, up to EOF or until `until` is true. */
export async function readText(socket: Socket, until?: (text: string) => boolean): Promise<string> {
  let text = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += chunk.toString("latin1");
    if (until?.(text) === true) break;
  }
  return text;
}

function linkOf({ role = "admin", uid, entry: more, extensions }: BenchOptions): Link {
  const entry: GraphEntry = {
    consumer: "client",
    consumer_pid: 11,
    provider: "server",
    provider_pid: 22,
    name: "svc",
    type: "any",
    role,
    interface: null,
    target: "/run/svc.sock",
    socket: "/run/server.sock",
    ...(uid === undefined ? {} : { uid }),
    ...more,
    ...extensions,
  };
  const { consumer, provider, name, type, socket } = entry;
  const ends = { target: "/run/svc.sock", consumerPid: 11, providerPid: 22, entry };
  return { consumer, provider, name, type, role, socket, ...ends };
}

function dialPlainly(path: string): number {
  const inode = openSync(path, O_PATH);
  try {
    return connectToInode(inode);
  } finally {
    closeSync(inode);
  }
}

function notHere(): never {
  throw new Error("not on this bench");
}
