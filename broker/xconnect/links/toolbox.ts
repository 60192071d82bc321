import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { MessageSocket } from "../../shared/linux/message-socket.ts";
import { canRefuseFds } from "../../shared/linux/pass-rights.ts";
import { letPromisesRun } from "../../shared/linux/stream-loop.ts";
import type { SocketType } from "../../shared/linux/unix-stream.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { DeviceNode, FileFacts } from "../peers/file-facts.ts";
import type { ConnectOptions, Link, Toolbox } from "../plugins/plugin.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { probeDevice } from "../peers/device-probe.ts";
import type { LinkRecord } from "./link-record.ts";
import { Listener } from "./listener.ts";
import type { SocketListener } from "./listener.ts";
import { openFiles } from "../planes/open-files.ts";
import type { OpenFiles } from "../planes/open-files.ts";
import type { Output } from "./output.ts";
import type { PlantedJournal } from "../peers/planted-journal.ts";
import { Plants } from "./plants.ts";
import { Providers } from "./providers.ts";
import { SessionBudget } from "../planes/session-budget.ts";
import { SessionLimits } from "./session-limits.ts";
import { SplicedSockets } from "./spliced-sockets.ts";

export interface ToolboxOptions {
  readonly quirks: Quirks;
  readonly output: Output;
  /** True when each decision on a message or request is written. */
  readonly tellDecisions?: boolean;
  /** True when sockets may be replaced even if a process listens on them. */
  readonly replaceLive: boolean;
  /** Journal of planted inodes. */
  readonly journal?: PlantedJournal;
  readonly files?: OpenFiles;
}

/** The plugins' access to both ends of a link; every way into a container goes through here. */
export class BrokerToolbox implements Toolbox {
  readonly quirks: Quirks;
  readonly plants: Plants;
  readonly decision: Toolbox["decision"];
  readonly #output: Output;
  readonly #limits: SessionLimits;
  readonly #spliced: SplicedSockets;
  readonly #records = new WeakMap<Link, LinkRecord>();
  readonly #providers: Providers;

  constructor(options: ToolboxOptions) {
    const { quirks, output, tellDecisions, replaceLive, journal, files = openFiles() } = options;
    this.quirks = quirks;
    this.decision =
      tellDecisions === true ? (link, text) => output.warn(decisionLine(link, text)) : undefined;
    this.#providers = new Providers(quirks);
    this.#output = output;
    const warn = (line: string) => output.warn(line);
    this.plants = new Plants({ quirks, replaceLive, warn, ...(journal && { journal }) });
    const budget = new SessionBudget(files, quirks);
    this.#limits = new SessionLimits(budget, warn);
    this.#spliced = new SplicedSockets({
      quirks,
      limits: this.#limits,
      onFailed: (record, why) => this.#report(record, why),
    });
  }

  log(line: string, times?: number): void {
    this.#output.log(line, times);
  }

  warn(line: string): void {
    this.#output.warn(line);
  }

  count(link: Link, counter: string, by = 1): void {
    this.#recordOf(link).counters.count(counter, by);
  }

  note(link: Link, error: unknown): void {
    this.#recordOf(link).counters.note(error);
  }

  /** Register `record.link`, by which plugins refer to the record. */
  adopt(record: LinkRecord): void {
    this.#records.set(record.link, record);
  }

  injectUnixSocket(link: Link): Promise<void> {
    return attempt(() =>
      this.#injectSocket(link, "stream", (record, fd) => this.#serve(record, fd, "stream")),
    );
  }

  injectPacketSocket(link: Link): Promise<void> {
    return attempt(() =>
      this.#injectSocket(link, "seqpacket", (record, fd) => this.#serve(record, fd, "seqpacket")),
    );
  }

  injectSplicedSocket(link: Link, onAccepted: (count: number) => void): Promise<void> {
    if (!canRefuseFds()) return this.injectUnixSocket(link);
    return attempt(() => {
      const serve = (record: LinkRecord, fd: number) => this.#spliced.serve(record, fd, onAccepted);
      this.#injectSocket(link, "spliced", serve);
    });
  }

  injectDevnode(link: Link, source: DeviceNode): Promise<void> {
    return attempt(() => {
      const record = this.#recordOf(link);
      this.plants.release(record);
      this.plants.addDevice(record, source);
    });
  }

  async isDeviceDenied(link: Link): Promise<boolean | undefined> {
    const record = this.#recordOf(link);
    const inode = this.plants.openTarget(record);
    try {
      return await probeDevice(record.wanted.consumer, inode);
    } finally {
      closeSync(inode);
    }
  }

  statProviderNode(link: Link, path: string): FileFacts {
    return this.#providers.stat(this.#recordOf(link), path);
  }

  openProviderNode(link: Link, path: string, judge: (facts: FileFacts) => void): number {
    return this.#providers.openNode(this.#recordOf(link), path, judge);
  }

  dialProvider(link: Link, options: ConnectOptions): number | Promise<number> {
    return this.#providers.connect(this.#recordOf(link), options, "stream");
  }

  async connectProvider(link: Link, options: ConnectOptions): Promise<Socket> {
    const fd = await this.#connect(link, options, "stream");
    const socket = new Socket({ fd, allowHalfOpen: true, readable: true, writable: true });
    // Handle errors here too: a plugin that forgets to must not end the broker.
    socket.on("error", () => undefined);
    return socket;
  }

  async connectProviderMessages(
    link: Link,
    options: ConnectOptions & { readonly type: SocketType },
  ): Promise<MessageSocket> {
    return new MessageSocket(await this.#connect(link, options, options.type), options.type);
  }

  readProviderFile(link: Link, path: string, maxBytes: number): string | undefined {
    return this.#providers.readFile(this.#recordOf(link), path, maxBytes);
  }

  /** Stop accepting for a link until it is established again; connections wait in the backlog. */
  hold({ plant }: LinkRecord): void {
    plant?.listener?.pause("provider");
  }

  /** End the splice worker. */
  async close(): Promise<void> {
    await this.#spliced.close();
  }

  /** Connect, and let Node's loop continue the promise at once. */
  async #connect(link: Link, options: ConnectOptions, type: SocketType): Promise<number> {
    const fd = await this.#providers.connect(this.#recordOf(link), options, type);
    letPromisesRun();
    return fd;
  }

  #injectSocket(
    link: Link,
    kind: SocketListener["kind"],
    serve: (record: LinkRecord, fd: number) => SocketListener,
  ): void {
    const record = this.#recordOf(link);
    // Keep the listener of a link that is re-established for the same consumer, so that connections
    // in its backlog are not reset.
    if (record.plant?.listener?.kind === kind && this.plants.isInPlace(record)) {
      record.plant.listener.resume("provider");
      return;
    }
    this.plants.release(record);
    if (kind !== "spliced") {
      // Drop spliced connections accepted before the switch: this provider may require an identity,
      // which splicing cannot send.
      record.spliced?.remove();
      record.spliced = undefined;
    }
    const { fd, planted } = this.plants.addSocket(record, kind);
    try {
      this.#providers.refuseLoop(record, planted);
    } catch (error) {
      closeSync(fd);
      this.plants.release(record);
      throw error;
    }
    record.plant = { planted, listener: serve(record, fd) };
  }

  #serve(record: LinkRecord, fd: number, type: SocketType): Listener {
    return new Listener(
      fd,
      type,
      (connection) => void this.#accept(record, connection),
      (error) => this.#report(record, `listener failed: ${messageOf(error)}`),
    );
  }

  #report(record: LinkRecord, what: string): void {
    record.counters.note(what);
    const { consumer, name } = record.link;
    this.warn(`${consumer}/${name}: ${what}`);
  }

  /** Serve a connection; the plugin is called at once when the link is ready. */
  async #accept(record: LinkRecord, fd: number): Promise<void> {
    const session = record.beginSession(fd);
    this.#limits.opened(record);
    try {
      if (!record.isReady) {
        letPromisesRun();
        await record.ready;
      }
      if (!session.hasEnded) await record.plugin?.onAccept?.(record.link, session, this);
    } catch (error) {
      if (!session.hasEnded) this.#report(record, `session ended: ${messageOf(error)}`);
    } finally {
      record.finishSession(session);
      this.#limits.closed(record);
    }
  }

  #recordOf(link: Link): LinkRecord {
    const record = this.#records.get(link);
    if (record === undefined) throw new Error(`unknown link ${link.consumer}/${link.name}`);
    return record;
  }
}

/**
 * The toolbox of a broker that only shows the work of the one that owns pv-ctrl: it prints the same
 * lines and plants nothing.
 */
export class ShowingToolbox extends BrokerToolbox {
  override injectUnixSocket(): Promise<void> {
    return Promise.resolve();
  }

  override injectSplicedSocket(): Promise<void> {
    return Promise.resolve();
  }

  override injectPacketSocket(): Promise<void> {
    return Promise.resolve();
  }

  override injectDevnode(): Promise<void> {
    return Promise.resolve();
  }
}

/** Most characters of a decision's line, since names and paths come from consumers. */
const LONGEST_DECISION = 500;

function decisionLine({ type, consumer, name }: Link, text: string): string {
  const line = `pvx-${type}: Decision ${consumer}/${name}: ${text}`;
  return line.length <= LONGEST_DECISION ? line : `${line.slice(0, LONGEST_DECISION - 1)}…`;
}

function attempt(work: () => void): Promise<void> {
  return Promise.resolve().then(work);
}
