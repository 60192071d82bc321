import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Excerpt } from "../../reports/html/report-data.ts";
import { insidePath } from "../../reports/inside-path.ts";
import { lastAttempt } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import { filesOf } from "./evidence-files.ts";

/** Bytes of one excerpt and of all. */
const ONE = 6_000;
const ALL = 1_000_000;
/** Files of a scenario. */
const MOST = 12;
const TELLING =
  /(^|\/)(boot\.log|pantavisor\.log|console\.log|lxc\.log|containers\.json|processes\.txt)$/;

/** The ends of the most telling files of scenarios that failed; the files themselves are linked. */
export function evidenceExcerpts(folder: string, state: RunState): Excerpt[] {
  const excerpts: Excerpt[] = [];
  let room = ALL;
  for (const scenario of state.scenarios.values()) {
    const { verdict, evidence } = lastAttempt(scenario);
    if (verdict !== "failed") continue;
    const files = evidence
      .filter(({ path }) => insidePath(path) !== undefined)
      .flatMap(({ path }) =>
        filesOf(join(folder, path)).map((file) => file.slice(folder.length + 1)),
      )
      .filter((path) => TELLING.test(path))
      .slice(0, MOST);
    for (const path of files) {
      if (room <= 0) return excerpts;
      const excerpt = endOf(join(folder, path), Math.min(ONE, room));
      if (excerpt === undefined) continue;
      room -= excerpt.text.length;
      excerpts.push({ path, ...excerpt });
    }
  }
  return excerpts;
}

/** @returns undefined for a file that cannot be read */
function endOf(path: string, most: number): Omit<Excerpt, "path"> | undefined {
  try {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, most));
      const read = readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return { text: buffer.toString("utf8", 0, read), bytes: size };
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
