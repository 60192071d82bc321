import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import * as z from "zod";
import { messageOf } from "../../shared/message-of.ts";
import type { Planted } from "./injection.ts";
import type { PeerId } from "./peer-id.ts";

/** An inode that a broker has planted or is about to plant, with its place. */
export interface PlantedEntry {
  readonly consumer: PeerId;
  readonly target: string;
  readonly planted: Planted;
}

const line = z.object({
  pid: z.number(),
  start: z.number(),
  target: z.string(),
  dev: z.coerce.bigint(),
  ino: z.coerce.bigint(),
  born: z.coerce.bigint(),
});

/**
 * A file with the planted inodes, one JSON object a line. A broker that is killed takes nothing
 * back; the next one does so from this file, also for links that have left the graph meanwhile.
 */
export class PlantedJournal {
  readonly #path: string;
  readonly #warn: (line: string) => void;
  #hasFailed = false;

  /**
   * @param path from openBrokerFolder(); only the lock's holder may use it
   * @param warn called once when the journal cannot be written, until it can be again; links are
   *             served without it
   */
  constructor(path: string, warn: (line: string) => void) {
    this.#path = path;
    this.#warn = warn;
  }

  /** The entries in the file; a line that a kill cut short is left out. */
  read(): PlantedEntry[] {
    try {
      return parseJournal(readFileSync(this.#path, "utf8"));
    } catch {
      return [];
    }
  }

  add(entry: PlantedEntry): void {
    this.#attempt(() => appendFileSync(this.#path, journalLine(entry), { mode: 0o600 }));
  }

  /** Replace all entries. */
  rewrite(entries: readonly PlantedEntry[]): void {
    this.#attempt(() => {
      writeFileSync(`${this.#path}.new`, entries.map(journalLine).join(""), { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    });
  }

  remove(): void {
    for (const path of [this.#path, `${this.#path}.new`]) rmSync(path, { force: true });
  }

  #attempt(write: () => void): void {
    try {
      write();
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) {
        this.#warn(`what is planted would outlive a killed broker: ${messageOf(error)}`);
      }
      this.#hasFailed = true;
    }
  }
}

/** The entries of a journal's text. */
export function parseJournal(text: string): PlantedEntry[] {
  return text.split("\n").flatMap(parse);
}

function parse(text: string): PlantedEntry[] {
  try {
    const { pid, start, target, dev, ino, born } = line.parse(JSON.parse(text));
    const planted = { dev, ino, birthtimeNs: born };
    return [{ consumer: { pid, start }, target, planted }];
  } catch {
    return [];
  }
}

export function journalLine({ consumer: { pid, start }, target, planted }: PlantedEntry): string {
  const [dev, ino, born] = [planted.dev, planted.ino, planted.birthtimeNs].map(String);
  return `${JSON.stringify({ pid, start, target, dev, ino, born })}\n`;
}
