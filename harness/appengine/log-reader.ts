import { LongLine } from "../engine/read-lines.ts";
import { shellQuote } from "../shell-quote.ts";
import type { AppengineShell } from "./appengine-shell.ts";
import { LOG_ROOT } from "./layout.ts";

/** New lines of one log. */
export interface NewLines {
  /** Path below the log root. */
  readonly source: string;
  readonly lines: readonly string[];
  /** Bytes that were left out before them. */
  readonly skipped: number;
}

interface Reading {
  offset: number;
  readonly line: LongLine;
}

/** Logs that are looked at; a container may make any number. */
const MOST_FILES = 64;
const MOST_LISTED = 1_000;
/** Bytes of one log at one look; what is more is left to the evidence. */
const MOST_BYTES = 64 * 1024;
const LONGEST_LINE = 500;
/** Milliseconds of given time for one look. */
const TIMEOUT = 5_000;

/**
 * Sizes of the logs, in any order. Links are not followed: `logs/current`
 * points at the logs of a revision that has its own name.
 */
const SIZES = `cd ${LOG_ROOT} 2>/dev/null &&
find . -mindepth 3 -maxdepth 4 -type f -name '*.log' -exec stat -c '%s %n' {} + 2>/dev/null | head -n ${MOST_LISTED}; :`;

/**
 * Reads the logs of an appengine as they grow: pantavisor's, and logs and consoles of containers. Sizes
 * come first, and a log is asked only for the bytes that it has got: no text in a log can pass for
 * another's.
 */
export class LogReader {
  readonly #shell: Pick<AppengineShell, "sh">;
  readonly #logs = new Map<string, Reading>();

  constructor(shell: Pick<AppengineShell, "sh">) {
    this.#shell = shell;
  }

  /** Pass over what is there. */
  async skip(signal: AbortSignal): Promise<void> {
    const { stdout } = await this.#shell.sh(SIZES, { signal, timeout: TIMEOUT, untold: true });
    for (const [source, size] of sizesOf(stdout)) {
      this.#logs.set(source, { ...newReading(), offset: size });
    }
  }

  /** @returns what is new since the last look */
  async look(signal: AbortSignal): Promise<NewLines[]> {
    const options = { signal, timeout: TIMEOUT, untold: true };
    const { stdout } = await this.#shell.sh(SIZES, options);
    const news: NewLines[] = [];
    for (const [source, size] of sizesOf(stdout)) {
      const log = this.#logs.get(source) ?? newReading();
      this.#logs.set(source, log);
      // A log that was moved away begins anew.
      if (size < log.offset) log.offset = 0;
      const skipped = Math.max(0, size - log.offset - MOST_BYTES);
      const from = log.offset + skipped;
      if (size === from) continue;
      const path = shellQuote(`${LOG_ROOT}/${source}`);
      const script = `tail -c +${from + 1} ${path} 2>/dev/null | head -c ${size - from}`;
      const { stdout: bytes } = await this.#shell.sh(script, options);
      log.offset = size;
      const lines = linesOf(log, bytes);
      if (lines.length > 0 || skipped > 0) news.push({ source, lines, skipped });
    }
    return news;
  }
}

function newReading(): Reading {
  return { offset: 0, line: new LongLine(LONGEST_LINE) };
}

/**
 * Sizes by name, those of pantavisor's logs first; a name that another layout than the known one has is left
 * out.
 */
function sizesOf(listed: string): [string, number][] {
  return listed
    .split("\n")
    .flatMap((line): [string, number][] => {
      const [, size = "", source = ""] =
        /^(\d+) \.\/([\w.@:+-]+(?:\/[\w.@:+-]+){2,3})$/.exec(line) ?? [];
      return source === "" ? [] : [[source, Number(size)]];
    })
    .sort(([a], [b]) => depthOf(a) - depthOf(b) || (a < b ? -1 : 1))
    .slice(0, MOST_FILES);
}

function depthOf(source: string): number {
  return source.split("/").length;
}

function linesOf({ line }: Reading, text: string): string[] {
  const parts = text.split("\n");
  const last = parts.pop() ?? "";
  const lines = parts.map((part) => line.finish(part));
  line.add(last);
  return lines;
}
