import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { PvhError } from "../errors.ts";
import { EVENTS_VERSION } from "../../reports/events.ts";
import type { RecordedEvent } from "../../reports/events.ts";
import { messageOfThrown } from "../thrown.ts";

export const EVENTS_FILE = "events.jsonl";

/** A line longer than this could be torn apart by another writer. */
const LINE_LIMIT = 64 * 1024;
const TEXT_LIMITS = [Infinity, 16_384, 4_096, 1_024, 256, 64];

// Kept before a scenario can put another clock in its place.
const now = Date.now.bind(Date);

/** Appends records to a file, one JSON object a line. */
export class EventLog<T extends object> {
  readonly #path: string;
  readonly #fd: number;
  readonly #numbered: boolean;
  #lines = 0;

  /**
   * @param path made when it is missing, with its folder
   * @param options.numbered each record gets `n`, the number of its line from 1
   */
  constructor(path: string, { numbered = false } = {}) {
    this.#path = path;
    this.#numbered = numbered;
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, "a", 0o644);
  }

  /**
   * Stamped with version and time, unless it has them.
   * @throws PvhError PVH_NO_SPACE naming the file
   */
  append(record: T): void {
    this.#lines += 1;
    const number = this.#numbered ? { n: this.#lines } : {};
    const line = Buffer.from(toLine({ v: EVENTS_VERSION, t: now(), ...number, ...record }));
    try {
      // One write(2) on an O_APPEND descriptor: lines of several writers never mix.
      const written = writeSync(this.#fd, line);
      // A disk that has just become full takes a part, and refuses the rest.
      if (written < line.length) writeSync(this.#fd, line, written);
    } catch (cause) {
      throw new PvhError(
        "PVH_NO_SPACE",
        `${this.#path} cannot be written: ${messageOfThrown(cause)}`,
        { hint: "free some space, and run again", cause },
      );
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/**
 * One line of events.jsonl, with long texts cut so that it stays under 64 KiB. Lists are never
 * cut: only that of a run of thousands is so long, and it is written before anybody else writes.
 */
export function toLine(event: object): string {
  let line = "";
  for (const limit of TEXT_LIMITS) {
    line = `${JSON.stringify(event, (_key, value: unknown) => cut(value, limit))}\n`;
    if (Buffer.byteLength(line) <= LINE_LIMIT) break;
  }
  return line;
}

/** @returns undefined for a line that is not an event of a version that is read */
export function parseLine(line: string): RecordedEvent | undefined {
  try {
    const event = JSON.parse(line) as Partial<RecordedEvent> | null;
    const isRead = event?.v === 1 || event?.v === EVENTS_VERSION;
    return isRead && typeof event.type === "string" ? (event as RecordedEvent) : undefined;
  } catch {
    return undefined;
  }
}

function cut(value: unknown, limit: number): unknown {
  if (typeof value !== "string" || value.length <= limit) return value;
  return `${value.slice(0, limit)}… (${value.length - limit} more characters)`;
}
