import { closeSync, mkdirSync, openSync, readSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { failureOf } from "../failure.ts";
import type { Failure } from "../../reports/events.ts";
import { parseTestimony } from "./testimony.ts";
import type { RecordedTestimony } from "./testimony.ts";

/** Longest line that is read; a writer cuts at 64 KiB. */
const LINE_LIMIT = 1024 * 1024;

/** Folder of the journals in a run directory, while the run goes on. */
export const JOURNALS = ".journals";

/** Path of the journal in which the process of a scenario reports. */
export function journalPath(folder: string, scenario: string, attempt: number): string {
  return join(folder, JOURNALS, `${scenario}.${attempt}.jsonl`);
}

/** The lines of a journal as they come in; notices what is missing. Pure. */
export class JournalLines {
  readonly #scenario: string;
  #rest: Buffer = Buffer.alloc(0);
  #next = 1;
  #unreadable = 0;
  #missing = 0;

  /** @param scenario whose journal it is */
  constructor(scenario: string) {
    this.#scenario = scenario;
  }

  /** @returns what the bytes complete */
  add(bytes: Buffer): RecordedTestimony[] {
    const heard: RecordedTestimony[] = [];
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (let end = this.#rest.indexOf(10); end >= 0; end = this.#rest.indexOf(10)) {
      const testimony = this.#read(this.#rest.toString("utf8", 0, end));
      this.#rest = this.#rest.subarray(end + 1);
      if (testimony !== undefined) heard.push(testimony);
    }
    if (this.#rest.length > LINE_LIMIT) {
      this.#rest = Buffer.alloc(0);
      this.#unreadable += 1;
    }
    return heard;
  }

  /** Failure that counts lost lines of the journal, which then cannot be taken as complete. */
  get loss(): Failure | undefined {
    const unreadable = this.#unreadable + (this.#rest.length > 0 ? 1 : 0);
    if (unreadable === 0 && this.#missing === 0) return undefined;
    const what = `${unreadable} lines unreadable, ${this.#missing} missing`;
    return failureOf("PVH_VERDICT", `the journal of its process is damaged: ${what}`);
  }

  #read(line: string): RecordedTestimony | undefined {
    const testimony = parseTestimony(line);
    if (testimony?.scenario !== this.#scenario) {
      this.#unreadable += 1;
      // An unreadable line has used a number too, so it is not counted as missing as well.
      this.#next += 1;
      return undefined;
    }
    if (testimony.n !== this.#next) this.#missing += Math.max(1, testimony.n - this.#next);
    this.#next = testimony.n + 1;
    return testimony;
  }
}

/** Reads the journal of one process of a scenario while it grows. */
export class JournalReader {
  readonly #path: string;
  readonly #fd: number;
  readonly #chunk = Buffer.alloc(64 * 1024);
  readonly #lines: JournalLines;

  /** Begins the journal: what an earlier process left in it goes. */
  constructor(path: string, scenario: string) {
    this.#path = path;
    this.#lines = new JournalLines(scenario);
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, "w+", 0o644);
  }

  /** Lines added since the last call. */
  drain(): RecordedTestimony[] {
    const heard: RecordedTestimony[] = [];
    for (;;) {
      const length = readSync(this.#fd, this.#chunk, 0, this.#chunk.length, null);
      if (length === 0) return heard;
      heard.push(...this.#lines.add(this.#chunk.subarray(0, length)));
    }
  }

  get loss(): Failure | undefined {
    return this.#lines.loss;
  }

  /** Ends the journal; what it said is in the record. */
  [Symbol.dispose](): void {
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }
}
