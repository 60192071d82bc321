import { until } from "../until.ts";
import type { AppengineShell } from "./appengine-shell.ts";
import { pantavisorLog } from "./layout.ts";
import { parseLogLine } from "./log-line.ts";
import type { LogLine } from "./log-line.ts";

/** pantavisor.log of a booted appengine. */
export class PantavisorLog {
  readonly #shell: AppengineShell;
  /** Bytes of each revision's log that readers are not shown, by its path. */
  #forgotten: ReadonlyMap<string, number> = new Map();

  constructor(shell: AppengineShell) {
    this.#shell = shell;
  }

  /** The lines of a revision's log so far; continuation lines are left out. */
  async lines(revision = "0"): Promise<LogLine[]> {
    const path = pantavisorLog(revision);
    const from = (this.#forgotten.get(path) ?? 0) + 1;
    const { stdout } = await this.#shell.sh(`tail -c +${from} ${path} 2>/dev/null; :`);
    return stdout.split("\n").flatMap((line) => parseLogLine(line) ?? []);
  }

  /** Begin anew: no lines that were written before are given any more. */
  async forget(): Promise<void> {
    const { stdout } = await this.#shell.sh(`wc -c ${pantavisorLog("*")} 2>/dev/null; :`);
    const sizes = [...stdout.matchAll(/^ *(\d+) (\/.*)$/gm)];
    this.#forgotten = new Map(sizes.map(([, bytes, path = ""]) => [path, Number(bytes)]));
  }

  /**
   * Wait for lines of a revision's log whose message matches.
   * @returns all of them, `count` at least
   * @throws PvhError PVH_TIMEOUT
   */
  async waitFor(
    pattern: RegExp,
    options: { timeout: number; count?: number; revision?: string; signal?: AbortSignal },
  ): Promise<LogLine[]> {
    const { count = 1, revision = "0" } = options;
    return until(
      `${count === 1 ? "a line" : `${count} lines`} of pantavisor.log, revision ${revision}, that match${count === 1 ? "es" : ""} ${String(pattern)}`,
      async () => {
        const found = (await this.lines(revision)).filter(({ message }) => pattern.test(message));
        return found.length >= count && found;
      },
      options,
    );
  }
}
