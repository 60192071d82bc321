import { readFileSync } from "node:fs";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { extname } from "node:path";
import { closeFd } from "../linux/epoll.ts";
import { createEventFd, signalEventFd } from "../linux/event-fd.ts";
import { QUIRKS } from "../quirks/names.ts";
import type { QuirkName } from "../quirks/names.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { makeCounters, readCounters } from "./splice-counters.ts";
import type { SpliceCounts } from "./splice-counters.ts";
import type {
  SpliceCommand,
  SpliceLimits,
  SpliceReport,
  SpliceRoute,
  SpliceWorkerData,
} from "./splice-messages.ts";

/** What the main thread does for a link whose sessions the worker carries. */
export interface SplicedLink {
  /** Of the sessions that are counted together. */
  readonly consumer: string;
  /**
   * The way to the link's provider as it is now.
   * @returns descriptors that the caller owns; undefined when it does not run
   */
  openRoute(): SpliceRoute | undefined;
  onAccepted(count: number): void;
  onFailed(why: string): void;
}

/** A link's listener, from the main thread's side. */
export interface SpliceListener {
  readonly counts: SpliceCounts;
  /** The provider may be another process from now on. */
  forgetRoute(): void;
  endSessions(): void;
  /** Listen on this one instead; the sessions go on. */
  listenOn(listener: number): void;
  /** The listener and all sessions. */
  close(): void;
}

const SESSIONS_PER_CONSUMER = 4096;
/** Of all sessions, so that one consumer cannot keep the others out. */
const SHARE_OF_CONSUMER = 0.75;
/** Two sockets, and two pipes when both sides are slow. */
const FDS_PER_SESSION = 6;
/** For everything that is no session. */
const RESERVED_FDS = 512;

/**
 * The data plane of plain unix streams: one worker thread that accepts, connects and carries,
 * without any byte or connection passing through the main thread.
 */
export class SplicePlane {
  /** Settled when the thread runs. */
  readonly ready: Promise<void>;
  readonly #wake = createEventFd();
  readonly #worker: Worker;
  readonly #links = new Map<number, SplicedLink>();
  readonly #stopAtExit = () => this.#tell({ kind: "stop" });
  #nextId = 1;

  constructor(quirks: Quirks, limits: SpliceLimits = defaultLimits()) {
    // Beside this file, whether run from source, built or bundled.
    const file = `./splice-worker.thread${extname(import.meta.url)}`;
    const data: SpliceWorkerData = { wake: this.#wake, quirks: namesOf(quirks), limits };
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData: data,
      // Descriptors are handed over between the threads.
      trackUnmanagedFds: false,
    });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.ready = promise.then(() => undefined);
    this.#worker.on("message", (report: SpliceReport) => {
      if (report.kind === "ready") resolve(undefined);
      else this.#handle(report);
    });
    // A thread in epoll_wait cannot be terminated: it would keep the process from ending.
    process.once("exit", this.#stopAtExit);
  }

  /**
   * Carry all connections to a listening socket.
   * @param listener non-blocking, and it must refuse fds; owned from here on
   */
  serve(listener: number, link: SplicedLink): SpliceListener {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#links.set(id, link);
    const counters = makeCounters();
    this.#tell({ kind: "serve", id, listener, consumer: link.consumer, counters });
    return {
      get counts() {
        return readCounters(counters);
      },
      forgetRoute: () => this.#tell({ kind: "forget-route", id }),
      endSessions: () => this.#tell({ kind: "end-sessions", id }),
      listenOn: (fd) => this.#tell({ kind: "listen-on", id, listener: fd }),
      close: () => {
        if (this.#links.delete(id)) this.#tell({ kind: "close", id });
      },
    };
  }

  /** End everything, and the thread. */
  async stop(): Promise<void> {
    process.off("exit", this.#stopAtExit);
    const ended = once(this.#worker, "exit");
    this.#tell({ kind: "stop" });
    await ended;
    closeFd(this.#wake);
  }

  #handle(report: Exclude<SpliceReport, { kind: "ready" }>): void {
    const link = this.#links.get(report.id);
    if (link === undefined) return;
    if (report.kind === "accepted") link.onAccepted(report.count);
    else if (report.kind === "failed") link.onFailed(report.why);
    else {
      const route = link.openRoute();
      if (route !== undefined) this.#tell({ kind: "route", id: report.id, route });
    }
  }

  #tell(command: SpliceCommand): void {
    this.#worker.postMessage(command);
    signalEventFd(this.#wake);
  }
}

/** As many sessions as descriptors allow; Node has raised the soft limit to the hard one. */
function defaultLimits(): SpliceLimits {
  const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  const fds = line === null || line[1] === "unlimited" ? Infinity : Number(line[1]);
  const usable = fds - Math.min(RESERVED_FDS, fds / 4);
  const total = Math.max(4, Math.floor(usable / FDS_PER_SESSION));
  const perConsumer = Math.min(SESSIONS_PER_CONSUMER, Math.floor(total * SHARE_OF_CONSUMER));
  return { perLink: perConsumer, perConsumer, total };
}

/** The quirks that are on for unix links, as parseQuirks takes them. */
function namesOf(quirks: Quirks): string {
  const names = Object.keys(QUIRKS) as QuirkName[];
  return names.filter((name) => quirks.has(name, "unix")).join(",");
}
