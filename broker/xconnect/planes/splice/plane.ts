import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { closeFd } from "../../../shared/linux/epoll.ts";
import { createEventFd, signalEventFd } from "../../../shared/linux/event-fd.ts";
import { QUIRKS } from "../../../shared/quirks/names.ts";
import type { QuirkName } from "../../../shared/quirks/names.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import type { SharedCount } from "../session-budget.ts";
import type {
  SharedWithLink,
  SpliceCommand,
  SpliceReport,
  SpliceRoute,
  SpliceWorkerData,
} from "./messages.ts";

/** The main thread's services to a link whose sessions the worker carries. */
export interface SplicedLinkOwner {
  /**
   * Open the route to the link's present provider.
   * @returns descriptors that the caller owns; undefined when the provider does not run
   */
  openRoute(): SpliceRoute | undefined;
  onAccepted(count: number): void;
  /** Called when the limit of sessions is reached. */
  onLimitReached(): void;
  onFailed(why: string): void;
}

/** A link in the worker, from the main thread's side. */
export interface SplicedLink {
  /**
   * Accept on this socket and no longer on an earlier one; sessions go on.
   * @param listener non-blocking socket that refuses fds; owned from now on
   */
  listen(listener: number | undefined): void;
  /** Accept no connection, since the provider has ended, until `resume`. */
  hold(): void;
  /** Accept again, for a provider that may be another process. */
  resume(): void;
  /** End the link's sessions at once; the listener stays. */
  endSessions(): void;
  /** Remove the link with its listener and all sessions. */
  remove(): void;
}

/**
 * The data plane of plain unix streams: one worker thread accepts, connects and carries. No byte
 * and no connection passes through the main thread.
 */
export class SplicePlane {
  readonly #wake = createEventFd();
  readonly #worker: Worker;
  readonly #links = new Map<number, SplicedLinkOwner>();
  readonly #stopAtExit = () => this.#tell({ kind: "stop" });
  #lastId = 0;

  constructor(quirks: Quirks, promised: SharedCount) {
    // The worker's file is beside this one from source, built and bundled.
    const file = `./splice-worker.thread${extname(import.meta.url)}`;
    const workerData: SpliceWorkerData = { wake: this.#wake, quirks: namesOf(quirks), promised };
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData,
      // The threads hand descriptors over to each other.
      trackUnmanagedFds: false,
      // Otherwise Node would open our stdout and stderr to copy the worker's output, and make them
      // non-blocking: log lines would be lost whenever their reader is slow.
      stdout: true,
      stderr: true,
    });
    this.#worker.on("message", (report: SpliceReport) => this.#handle(report));
    // Tell the worker to stop at exit: Node cannot terminate a thread in epoll_wait, and would
    // wait.
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

  /** End all sessions and the thread. */
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
    else this.#tell({ kind: "route", id, route: link.openRoute() });
  }

  #tell(command: SpliceCommand): void {
    this.#worker.postMessage(command);
    signalEventFd(this.#wake);
  }
}

/** The names of the quirks that are on for unix links, in the form that parseQuirks reads. */
function namesOf(quirks: Quirks): string {
  const names = Object.keys(QUIRKS) as QuirkName[];
  return names.filter((name) => quirks.has(name, "unix")).join(",");
}
