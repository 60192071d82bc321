import type { Quote } from "../../reports/failure-details.ts";
import type { Clue, ClueKind } from "./clue.ts";

/** Files that explain most, the best first. */
const ORDER: readonly ClueKind[] = ["pantavisor.log", "console", "boot.log", "lxc.log", "probes"];
const MOST_FILES = 5;
const MOST_LINES = 5;

/** Lines that say that something is wrong; an example that waits for its socket says so by design. */
const WRONG =
  /\b(?:FATAL|ERROR|WARN|CRITICAL)\b|[Ee]rror\b|Traceback|refused|denied|[Ff]ailed|missing|no reply|suddenly stopped/;

/** The lines of the evidence that tell most, the most telling file first. */
export function tellingLines(clues: readonly Clue[]): readonly Quote[] {
  return clues
    .filter(({ kind }) => ORDER.includes(kind))
    .map((clue) => ({ ...clue, wrong: clue.lines.filter((line) => isWrong(clue.kind, line)) }))
    .filter(({ wrong }) => wrong.length > 0)
    .sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))
    .slice(0, MOST_FILES)
    .map(({ from, wrong }) => ({ from, lines: wrong.slice(-MOST_LINES) }));
}

/** LXC warns at each start about what a host lacks. */
function isWrong(kind: ClueKind, line: string): boolean {
  return WRONG.test(line) && !(kind === "lxc.log" && /\b(?:WARN|INFO|DEBUG|TRACE)\b/.test(line));
}
