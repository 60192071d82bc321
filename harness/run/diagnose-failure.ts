import { basename } from "node:path";
import type { Failure } from "../../reports/events.ts";
import type { Diagnosis, Quote } from "../../reports/failure-details.ts";
import { readEvidence } from "../appengine/read-evidence.ts";
import type { EvidenceText } from "../appengine/read-evidence.ts";
import { catalogue } from "../catalogue/catalogue.ts";
import { clueOf, failureClue } from "../diagnosis/clue.ts";
import type { Clue } from "../diagnosis/clue.ts";
import { diagnose } from "../diagnosis/diagnose.ts";
import { RULES } from "../diagnosis/rules.ts";
import { tellingLines } from "../diagnosis/telling-lines.ts";

export interface FailureDiagnosis {
  readonly diagnoses: readonly Diagnosis[];
  readonly telling: readonly Quote[];
}

/**
 * Known causes of a failure, by its message and the evidence in a scenario's folder.
 *
 * @param news folder below it with what is new since the first collection, where there is one
 * @param options.departs what the catalogue says of a real image's check
 * @param options.expected rules whose symptoms the scenario has on purpose
 */
export function diagnoseFailure(
  failure: Failure,
  folder: string,
  news: string | undefined,
  {
    departs,
    expected = [],
  }: { readonly departs?: string; readonly expected?: readonly string[] } = {},
): FailureDiagnosis {
  const clues = cluesOf(readEvidence(folder), news);
  const all = [failureClue([failureText(failure), departs ?? ""].join("\n")), ...clues];
  const rules = RULES.filter(({ id }) => !expected.includes(id));
  return { diagnoses: diagnose(rules, all), telling: tellingLines(clues) };
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
