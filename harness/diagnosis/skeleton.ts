import type { Clue } from "./clue.ts";
import { tellingLines } from "./telling-lines.ts";

const PROMPT = "TODO: the cause, as a fact with its values";

/**
 * A rule for evidence that none knows, filled with its most telling lines: source of a file in
 * harness/diagnosis/rules, to be completed.
 */
export function ruleSkeleton(clues: readonly Clue[]): string {
  const failure = clues.find(({ kind }) => kind === "failure");
  const quotes = [
    ...(failure === undefined ? [] : [{ kind: "failure", line: failure.lines[0] ?? "" }]),
    ...tellingLines(clues).flatMap(({ from, lines }) => {
      const kind = clues.find((clue) => clue.from === from)?.kind ?? "console";
      return lines.slice(-1).map((line) => ({ kind, line }));
    }),
  ].slice(0, 3);
  return [
    "{",
    '  id: "TODO-a-name",',
    `  cause: ${JSON.stringify(PROMPT)},`,
    "  shows: [",
    ...quotes.map(
      ({ kind, line }) =>
        `    { in: ${JSON.stringify(kind)}, line: ${JSON.stringify(patternOf(line))} },`,
    ),
    "  ],",
    '  fix: "TODO: the next command to run",',
    '  source: "TODO: docs/pantavisor.md §N.N",',
    "},",
  ].join("\n");
}

/** A pattern of a line without what changes from run to run: time, pids, addresses. */
function patternOf(line: string): string {
  return line
    .replace(/^\[\w+\] \d+ [A-Z]+\s+-- /, "")
    .slice(0, 160)
    .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\b(?:0x)?\d{2,}\b/g, String.raw`\d+`)
    .trim();
}
