import { basename } from "node:path";

/** Kinds of evidence in which rules look. */
export type ClueKind =
  | "failure"
  | "pantavisor.log"
  | "boot.log"
  | "console"
  | "lxc.log"
  | "graph"
  | "containers"
  | "daemons"
  | "processes"
  | "probes";

/** A file of evidence, as lines. */
export interface Clue {
  readonly kind: ClueKind;
  /** Path or name of the file, as the reader knows it. */
  readonly from: string;
  readonly lines: readonly string[];
  /** Those that were written during the check and belong to it; undefined: all. */
  readonly ofCheck?: readonly string[];
}

/** Characters of a line, and lines of a file, that rules read: a container writes what it likes. */
const LONGEST = 2_000;
const MOST_LINES = 50_000;

/** Evidence as clues: by its name, or by its content where it comes from elsewhere. */
export function clueOf(path: string, text: string): Clue {
  const kind = KINDS[basename(path)] ?? kindByContent(text);
  return { kind, from: path, lines: isList(kind) ? entriesOf(text) : linesOf(text) };
}

/** The message of a failure and what explains it, as a clue. */
export function failureClue(text: string): Clue {
  return { kind: "failure", from: "the failure", lines: linesOf(text) };
}

const KINDS: Readonly<Record<string, ClueKind>> = {
  "pantavisor.log": "pantavisor.log",
  "boot.log": "boot.log",
  "console.log": "console",
  "lxc.log": "lxc.log",
  "graph.json": "graph",
  "containers.json": "containers",
  "daemons.json": "daemons",
  "processes.txt": "processes",
  "probes.txt": "probes",
};

const CONTENTS: readonly (readonly [RegExp, ClueKind])[] = [
  [/^\s*\[\s*\{[^{}]*"consumer_pid"/, "graph"],
  [/^\s*\[\s*\{[^{}]*"status_goal"/, "containers"],
  [/^\s*\[\s*\{[^{}]*"respawn"/, "daemons"],
  [/\[pv-appengine\]/, "boot.log"],
  [/^\[pantavisor\] \d+ [A-Z]+\s/m, "pantavisor.log"],
  [/^\s*PID\s+PPID/, "processes"],
];

function kindByContent(text: string): ClueKind {
  const head = text.slice(0, 65_536);
  return CONTENTS.find(([content]) => content.test(head))?.[1] ?? "console";
}

function isList(kind: ClueKind): boolean {
  return kind === "graph" || kind === "containers" || kind === "daemons";
}

/** Entries of a JSON list, each on a line; a text that is none is read as it is. */
function entriesOf(text: string): string[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) return linesOf(text);
    return parsed.map((entry) => JSON.stringify(entry).slice(0, LONGEST));
  } catch {
    return linesOf(text);
  }
}

/** The last lines of a text without empty ones. */
function linesOf(text: string): string[] {
  return text
    .split("\n")
    .slice(-MOST_LINES)
    .filter((line) => line.trim() !== "")
    .map((line) => line.slice(0, LONGEST));
}
