import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { isNoRoom } from "../shared/no-room.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { Caller } from "./control/caller.ts";
import { takeConnections } from "./log-connections.quirk.ts";
import { LogDatagrams } from "./log-datagrams.ts";
import { parseLogMessage } from "./log-message.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";

export interface LogServerOptions {
  readonly path: string;
  readonly log: PantavisorLog;
  /** Highest number of a level that is kept: PV_LOG_LEVEL. */
  readonly level: number;
  /** Log folder of the revision that runs. */
  readonly folder: () => string;
  /** The process that sent a message; the kernel has told its pid. */
  readonly identify: (pid: number) => Caller;
  readonly quirks: Quirks;
}

/** Folder of messages from processes that are gone or unknown. */
const UNKNOWN = "unknown-platform";
/** Bytes of a file before it becomes FILE.1. */
const FILE_SIZE = 16 << 20;
/** Files of one container; messages of further sources share one. */
const MOST_SOURCES = 64;
const OTHERS = "other";
/** Milliseconds between two lines about messages that were dropped. */
const WARN_INTERVAL = 1000;

/**
 * pv-ctrl-log: datagrams of containers become lines in `logs/REV/CONTAINER/SOURCE`. Senders are
 * hostile: the kernel tells who it is, names become safe ones, files and sizes are bounded.
 */
export class LogServer implements Disposable {
  readonly #options: LogServerOptions;
  readonly #intake: Disposable;
  readonly #sources = new Map<string, Set<string>>();
  #dropped = 0;
  #lastWarning = -Infinity;

  constructor(options: LogServerOptions) {
    this.#options = options;
    const take = (bytes: Buffer, pid: number): void => this.#take(bytes, pid);
    this.#intake = options.quirks.has("log-socket-stream")
      ? takeConnections(options.path, take)
      : new LogDatagrams(options.path, take);
  }

  [Symbol.dispose](): void {
    this.#intake[Symbol.dispose]();
  }

  #take(bytes: Buffer, pid: number): void {
    const { quirks, level, identify } = this.#options;
    if (quirks.has("log-socket-deaf")) return;
    const caller = identify(pid);
    const message = parseLogMessage(bytes);
    const isClaimed = message?.claimed !== undefined && quirks.has("log-sender-claimed");
    const platform = isClaimed ? message.claimed : platformOf(caller);
    if (message === undefined) {
      this.#warn(`a message of '${platform}' is none of the formats`);
    } else if (message.level <= level) {
      this.#write(platform, this.#fileOf(platform, message.source), message.text);
    }
  }

  /** A name without any way out of the folder, and not one too many. */
  #fileOf(platform: string, source: string): string {
    const safe = source.replaceAll(/[^\w.-]/g, "_").slice(0, 64);
    const name = /^\.{0,2}$/.test(safe) ? "_" : safe;
    const known = this.#sources.get(platform) ?? new Set();
    this.#sources.set(platform, known);
    if (!known.has(name) && known.size >= MOST_SOURCES) return OTHERS;
    known.add(name);
    return name;
  }

  #write(platform: string, name: string, text: string): void {
    const path = join(this.#options.folder(), platform, name);
    try {
      const fd = openLog(path);
      try {
        writeSync(fd, `${text}\n`);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      if (!isNoRoom(error)) this.#warn(`${path}: ${(error as Error).message}`);
    }
  }

  #warn(why: string): void {
    this.#dropped += 1;
    const now = performance.now();
    if (now - this.#lastWarning < WARN_INTERVAL) return;
    const line = `${why}; ${this.#dropped} dropped`;
    this.#options.log.write("WARN", "logserver", `(logserver_drop:1) ${line}`);
    this.#lastWarning = now;
    this.#dropped = 0;
  }
}

function platformOf(caller: Caller): string {
  if (caller.kind === "container") return caller.name;
  return caller.kind === "host" ? "pantavisor" : UNKNOWN;
}

/** @throws for what is no regular file, or a link */
function openLog(path: string): number {
  mkdirSync(join(path, ".."), { recursive: true });
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
  const open = (): number =>
    openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o644);
  const fd = open();
  if (fstatSync(fd).size < FILE_SIZE) return fd;
  closeSync(fd);
  renameSync(path, `${path}.1`);
  return open();
}
