import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { causeLine } from "../../reports/block-lines.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Diagnosis } from "../../reports/failure-details.ts";
import { printableLine } from "../../reports/printable.ts";
import { findHeld } from "../appengine/held.ts";
import { readEvidence } from "../appengine/read-evidence.ts";
import { clueOf } from "../diagnosis/clue.ts";
import type { Clue, ClueKind } from "../diagnosis/clue.ts";
import { diagnose } from "../diagnosis/diagnose.ts";
import { RULES } from "../diagnosis/rules.ts";
import { ruleSkeleton } from "../diagnosis/skeleton.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { PvhError } from "../errors.ts";
import type { Call } from "./command.ts";

/**
 * `pvh diagnose [name or folder]`: known causes in the evidence of a held appengine, or in a folder of
 * logs from anywhere. Where none is known, a rule to complete.
 */
export async function diagnoseCommand(call: Call): Promise<ExitCode> {
  const { args, out } = call;
  const word = args.word(0);
  const isFolder = word !== undefined && isDirectory(word);
  const folder = isFolder ? word : await collected(call, word);
  const clues = readEvidence(folder)
    .filter(({ path }) => !NO_CLUES.test(path))
    .map(({ path, text }) => clueOf(path, text));
  const parts = isFolder ? byAppengine(clues) : [clues];
  if (clues.length === 0) {
    throw new PvhError("PVH_USAGE", `there is no text file in ${folder}`, {
      hint: "name a held appengine (pvh ps), or a folder of logs",
    });
  }
  const found = parts.flatMap((part) => diagnose(RULES, part));
  if (args.flag("json")) {
    out.data(JSON.stringify({ folder, files: clues.length, diagnoses: found }));
    return EXIT.pass;
  }
  out.say(`${clues.length} files of ${folder}`);
  for (const line of found.flatMap(linesOf)) out.data(line);
  if (found.length === 0) for (const line of unmatched(clues)) out.data(line);
  return EXIT.pass;
}

/** Files whose names or contents are an appengine's, and not one log of many. */
const OF_APPENGINE: readonly ClueKind[] = ["boot.log", "containers", "graph", "daemons", "probes"];

/**
 * Evidence of each appengine by itself: a run's folder holds that of several, and what one shows says nothing
 * of another. A folder without such files is one appengine's.
 */
function byAppengine(clues: readonly Clue[]): Clue[][] {
  const roots = new Set(
    clues.filter(({ kind }) => OF_APPENGINE.includes(kind)).map(({ from }) => dirname(from)),
  );
  const rootOf = (path: string): string => {
    const folder = dirname(path);
    if (roots.has(folder) || folder === path || folder === ".") return folder;
    return rootOf(folder);
  };
  return [...Map.groupBy(clues, ({ from }) => rootOf(from)).values()];
}

/** Collects the evidence of a held appengine. @returns its folder */
async function collected({ out, signal }: Call, name: string | undefined): Promise<string> {
  if (name?.includes("/") === true) {
    throw new PvhError("PVH_USAGE", `there is no folder ${name}`);
  }
  const engine = await findCleanEngine({ signal, progress: (line) => out.say(line) });
  const appengine = await findHeld(engine, name);
  const folder = join(".pvh/diagnose", `${appengine.name}-${Date.now()}`);
  await appengine.collectEvidence(folder, signal);
  await appengine.close();
  return folder;
}

function linesOf(diagnosis: Diagnosis): string[] {
  return [
    causeLine(diagnosis),
    `  rule      ${diagnosis.rule}, ${diagnosis.source}`,
    ...diagnosis.evidence.flatMap(({ from, lines }) => [
      `  shown by  ${printableLine(from)}`,
      ...lines.map((line) => `            | ${printableLine(line, 300)}`),
    ]),
  ];
}

function unmatched(clues: readonly Clue[]): string[] {
  return [
    "no known cause",
    "a rule for it begins like this (harness/diagnosis/rules, docs/diagnosis.md):",
    "",
    ...ruleSkeleton(clues)
      .split("\n")
      .map((line) => sourceLine(line)),
  ];
}

/** Keeps the indent of source code. */
function sourceLine(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? "";
  return indent + printableLine(line, 2_000);
}

function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** Written by pvh about the evidence, not evidence. */
const NO_CLUES =
  /(?:^|\/)(?:index\.txt|engine\.json|lxc-ls\.txt|events\.jsonl|junit\.xml|summary\.json|README)$/;
