import { basename } from "node:path";
import type { Failure } from "../../reports/events.ts";
import type { Diagnosis, Quote } from "../../reports/failure-details.ts";
import { readEvidence } from "../appengine/read-evidence.ts";
import type { EvidenceText } from "../appengine/read-evidence.ts";
import { catalogue } from "../catalogue/catalogue.ts";
import { clueOf, failureClue } from "../diagnosis/clue.ts";
import type { Clue } from "../diagnosis/clue.ts";
import type { CheckTraces } from "./check-window.ts";
import { diagnose } from "../diagnosis/diagnose.ts";
import { RULES } from "../diagnosis/rules.ts";
import { tellingLines } from "../diagnosis/telling-lines.ts";

export interface FailureDiagnosis {
  readonly diagnoses: readonly Diagnosis[];
  readonly telling: readonly Quote[];
}

export interface DiagnosisOptions {
  /** Folder below the evidence's with what is new since the first collection, where there is one. */
  readonly news?: string | undefined;
  /** Traces of the check that failed; undefined: all evidence is its own, as that of a boot. */
  readonly traces?: CheckTraces | undefined;
  /** Words of the catalogue about a real image's check. */
  readonly departs?: string | undefined;
  /** Rules whose symptoms the scenario has on purpose. */
  readonly expected?: readonly string[];
}

/** Known causes of a failure, by its message and the evidence in a scenario's folder. */
export function diagnoseFailure(
  failure: Failure,
  folder: string,
  { news, traces, departs, expected = [] }: DiagnosisOptions = {},
): FailureDiagnosis {
  const all = cluesOf(readEvidence(folder), news);
  const clues = traces === undefined ? all : all.map((clue) => ofCheck(clue, traces, all));
  const told = failureClue([failureText(failure), departs ?? ""].join("\n"));
  const rules = RULES.filter(({ id }) => !expected.includes(id));
  return { diagnoses: diagnose(rules, [told, ...clues]), telling: tellingLines(clues) };
}

/** A log, with the lines of it that came during the check and from what the check used. */
function ofCheck(clue: Clue, { lines, entered }: CheckTraces, all: readonly Clue[]): Clue {
  const [, source = "", container = ""] = LOG.exec(clue.from) ?? [];
  if (source === "") return clue;
  const isOther =
    container !== "pantavisor" && entered.size > 0 && !isNear(container, entered, all);
  return { ...clue, ofCheck: isOther ? [] : (lines.get(source) ?? []) };
}

/** A log in the evidence: its path below the log root, and its container. */
const LOG = /^logs\/([^/]+\/([^/]+)\/.+)$/;

/** The container was entered, or the graph links it with one that was. */
function isNear(container: string, entered: ReadonlySet<string>, all: readonly Clue[]): boolean {
  if (entered.has(container)) return true;
  const links = all.filter(({ kind }) => kind === "graph").flatMap(({ lines }) => lines);
  return links.some((link) => {
    const [, consumer = ""] = /"consumer":"([^"]+)"/.exec(link) ?? [];
    const [, provider = ""] = /"provider":"([^"]+)"/.exec(link) ?? [];
    return (
      (consumer === container && entered.has(provider)) ||
      (provider === container && entered.has(consumer))
    );
  });
}

/** Line for the rule about promises that the real 029-32 does not keep either; undefined: it keeps it. */
export function departure(check: string): string | undefined {
  const row = catalogue().get(check);
  if (row?.fact === undefined || (row.real !== "gap" && row.real !== "bad")) return undefined;
  return `catalogue: 029-32 does not keep ${check}: ${row.fact}`;
}

function failureText({ message, wait, quotes = [] }: Failure): string {
  return [message, ...(wait?.seen?.lines ?? []), ...quotes.flatMap(({ lines }) => lines)].join(
    "\n",
  );
}

/** Folders of what came later, and of other appengines of the scenario. */
const OTHERS = /^(?:after|appengine|attempt)-/;

/** A log goes on in the news; any other file is replaced by them. */
function cluesOf(texts: readonly EvidenceText[], news: string | undefined): Clue[] {
  const own = texts.filter(({ path }) => !OTHERS.test(path));
  const prefix = news === undefined ? undefined : `${basename(news)}/`;
  const later = new Map(
    texts.flatMap(({ path, text }): [string, string][] =>
      prefix !== undefined && path.startsWith(prefix) ? [[path.slice(prefix.length), text]] : [],
    ),
  );
  const paths = new Set([...own.map(({ path }) => path), ...later.keys()]);
  const first = new Map(own.map(({ path, text }) => [path, text]));
  return [...paths].flatMap((path) => {
    const [before = "", after] = [first.get(path), later.get(path)];
    const text = after === undefined ? before : path.endsWith(".log") ? before + after : after;
    return NO_CLUES.has(path) ? [] : [clueOf(path, text)];
  });
}

/** Written by pvh about the evidence, not evidence. */
const NO_CLUES: ReadonlySet<string> = new Set(["index.txt", "engine.json", "lxc-ls.txt"]);
