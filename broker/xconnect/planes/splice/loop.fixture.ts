import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeFd } from "../../../shared/linux/epoll.ts";
import { createEventFd, signalEventFd } from "../../../shared/linux/event-fd.ts";
import { O_PATH } from "../../../shared/linux/openat2.ts";
import { refuseFds } from "../../../shared/linux/pass-rights.ts";
import { openPidfd } from "../../../shared/linux/pidfd.ts";
import { Scratch, accept, receive, send } from "../../../shared/linux/stream-io.ts";
import { connectToInode, listenIn } from "../../../shared/linux/unix-stream.ts";
import { parseQuirks } from "../../../shared/quirks/quirks.ts";
import { makeCounters, readCounters } from "./counters.ts";
import type { OpenFiles } from "../open-files.ts";
import { SessionBudget, sharedCount } from "../session-budget.ts";
import type { SpliceCounts } from "./counters.ts";
import { SpliceLoop } from "./loop.ts";
import type { SpliceCommand, SpliceReport, SpliceRoute } from "./messages.ts";

const PLENTY: OpenFiles = { limit: Infinity, open: () => 0 };

/** For tests: the worker's loop in this thread, a step at a time, with one link. */
export class SpliceBench implements Disposable {
  readonly loop: SpliceLoop;
  readonly reports: SpliceReport[] = [];
  /** True when the main thread can give a route to the provider. */
  hasRoute = true;
  readonly #directory = mkdtempSync(join(tmpdir(), "pvh-splice-"));
  readonly #folder = openSync(this.#directory, O_PATH);
  readonly #wake = createEventFd();
  readonly #commands: SpliceCommand[] = [];
  readonly #counters = makeCounters();
  #provider = -1;

  constructor({ quirkList = "", files = PLENTY }: { quirkList?: string; files?: OpenFiles } = {}) {
    const quirks = parseQuirks(quirkList);
    this.loop = new SpliceLoop({
      wake: this.#wake,
      nextCommand: () => this.#commands.shift(),
      report: (report) => {
        this.reports.push(report);
        if (report.kind === "route-wanted" && this.hasRoute) this.tell(this.#route());
      },
      quirks,
      budget: new SessionBudget(files, quirks),
    });
    const listener = listenIn(this.#folder, "consumer", 0o666, 4096, { prepare: refuseFds });
    const shared = { counters: this.#counters, ofConsumer: sharedCount() };
    this.tell({ kind: "add", id: 1, shared });
    this.tell({ kind: "listen", id: 1, listener });
    this.loop.step(0);
  }

  get counts(): SpliceCounts {
    return readCounters(this.#counters);
  }

  tell(command: SpliceCommand): void {
    this.#commands.push(command);
    signalEventFd(this.#wake);
  }

  /** Listen as the provider. */
  provide(): void {
    this.#provider = listenIn(this.#folder, "provider", 0o666, 4096);
  }

  consume(): number {
    const inode = openSync(join(this.#directory, "consumer"), O_PATH);
    try {
      return connectToInode(inode);
    } finally {
      closeSync(inode);
    }
  }

  /** The provider's end of the next connection; negative when there is none. */
  accept(): number {
    return accept(this.#provider);
  }

  /** Open a session. @returns the consumer's and the provider's own descriptors */
  session(): { consumer: number; provider: number } {
    const consumer = this.consume();
    for (let step = 0; step < 100; step += 1) {
      this.loop.step(step);
      const provider = this.accept();
      if (provider >= 0) return { consumer, provider };
    }
    throw new Error("the provider got no connection");
  }

  /** Step until there is nothing more to do. */
  settle(): void {
    for (let step = 0; step < 8; step += 1) this.loop.step(0);
  }

  [Symbol.dispose](): void {
    this.loop[Symbol.dispose]();
    if (this.#provider >= 0) closeFd(this.#provider);
    closeFd(this.#wake);
    closeSync(this.#folder);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #route(): SpliceCommand {
    const root = openSync("/", O_PATH);
    const path = join(this.#directory, "provider");
    const route: SpliceRoute = { root, pidfd: openPidfd(process.pid), path };
    return { kind: "route", id: 1, route };
  }
}

const scratch = new Scratch(1 << 20);

/** For tests: write now. @returns bytes taken, or the negative errno */
export function put(fd: number, bytes: Buffer): number {
  bytes.copy(scratch.bytes);
  return send(fd, scratch, 0, bytes.length);
}

/** For tests: read now. @returns the bytes, empty at the end; or the negative errno */
export function get(fd: number, size = scratch.bytes.length): Buffer | number {
  const count = receive(fd, scratch, size);
  return count < 0 ? count : Buffer.from(scratch.bytes.subarray(0, count));
}
