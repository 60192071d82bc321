import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { closeFd } from "../../linux/epoll.ts";
import { createEventFd, signalEventFd } from "../../linux/event-fd.ts";
import { QUIRKS } from "../../quirks/names.ts";
import type { QuirkName } from "../../quirks/names.ts";
import type { Quirks } from "../../quirks/quirks.ts";
import type { SharedCount } from "../session-budget.ts";
import type {
  SharedWithLink,
  SpliceCommand,
  SpliceReport,
  SpliceRoute,
  SpliceWorkerData,
} from "./messages.ts";

/** What the main thread does for a link whose sessions the worker carries. */
export interface SplicedLinkOwner {
  /**
   * The way to the link's provider as it is now.
   * @returns descriptors that the caller owns; undefined when it does not run
   */
  openRoute(): SpliceRoute | undefined;
  onAccepted(count: number): void;
  /** As many sessions as may be are open. */
  onLimitReached(): void;
  onFailed(why: string): void;
}

/** A link in the worker, from the main thread's side. */
export interface SplicedLink {
  /**
   * Accept here and no longer on the socket before; the sessions go on.
   * @param listener non-blocking, and it must refuse fds; owned from here on
   */
  listen(listener: number | undefined): void;
  /** The provider has ended: accept nobody until there is another. */
  hold(): void;
  /** The provider may be another process from now on. */
  resume(): void;
  /** At once; the listener stays. */
  endSessions(): void;
  /** With the listener and all sessions. */
  remove(): void;
}

/**
 * The data plane of plain unix streams: one worker thread that accepts, connects and carries,
 * without any byte or connection passing through the main thread.
 */
export class SplicePlane {
  readonly #wake = createEventFd();
  readonly #worker: Worker;
  readonly #links = new Map<number, SplicedLinkOwner>();
  readonly #stopAtExit = () => this.#tell({ kind: "stop" });
  #lastId = 0;

  constructor(quirks: Quirks, promised: SharedCount) {
    // Beside this file, whether run from source, built or bundled.
    const file = `./splice-worker.thread${extname(import.meta.url)}`;
    const workerData: SpliceWorkerData = { wake: this.#wake, quirks: namesOf(quirks), promised };
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData,
      // Descriptors are handed over between the threads.
      trackUnmanagedFds: false,
      // Else Node opens ours to copy the thread's to them, and with that makes them non-blocking:
      // log lines would be lost whenever their reader is slow.
      stdout: true,
      stderr: true,
    });
    this.#worker.on("message", (report: SpliceReport) => this.#handle(report));
    // A thread in epoll_wait cannot be terminated: it would keep the process from ending.
    process.once("exit", this.#stopAtExit);
  }

  add(shared: SharedWithLink, owner: SplicedLinkOwner): SplicedLink {
    const id = (this.#lastId += 1);
    this.#links.set(id, owner);
    this.#tell({ kind: "add", id, shared });
    return {
      listen: (listener) => this.#tell({ kind: "listen", id, listener }),
      hold: () => this.#tell({ kind: "hold", id, isHeld: true }),
      resume: () => this.#tell({ kind: "hold", id, isHeld: false }),
      endSessions: () => this.#tell({ kind: "end-sessions", id }),
      remove: () => {
        if (this.#links.delete(id)) this.#tell({ kind: "remove", id });
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

  #handle(report: SpliceReport): void {
    const { id, kind } = report;
    const link = this.#links.get(id);
    if (link === undefined) return;
    if (kind === "accepted") link.onAccepted(report.count);
    else if (kind === "limit-reached") link.onLimitReached();
    else if (kind === "failed") link.onFailed(report.why);
    else {
      const route = link.openRoute();
      if (route !== undefined) this.#tell({ kind: "route", id, route });
    }
  }

  #tell(command: SpliceCommand): void {
    this.#worker.postMessage(command);
    signalEventFd(this.#wake);
  }
}

/** The quirks that are on for unix links, as parseQuirks takes them. */
function namesOf(quirks: Quirks): string {
  const names = Object.keys(QUIRKS) as QuirkName[];
  return names.filter((name) => quirks.has(name, "unix")).join(",");
}
