import { readFileSync } from "node:fs";
import * as z from "zod";
import type { Failure } from "../../reports/events.ts";
import { QUIRKS } from "../../broker/shared/quirks/names.ts";
import { PvhError } from "../errors.ts";
import { failureOf } from "../failure.ts";
import { didYouMean } from "../near-names.ts";
import { shownPath } from "../shown-path.ts";
import { messageOfThrown, propertyOf } from "../thrown.ts";

/** Letters of a row's `src`: the document that makes the promise. */
export const PROMISE_SOURCES = {
  A: "GEMINI.md of meta-pantavisor, branch feature/wasmedge-engine, its first state: the design of services, the broker, its plugins and Wasm",
  B: "the same file as of 2026-01-22: how to build, load, run and check an appengine",
  P: "Pantavisor's published documentation and test plans: docs.pantahub.com, and `docs/` and `TESTPLAN-*.md` of pantavisor and meta-pantavisor",
  X: "no document: hostile input, limits, races and defects that were measured (docs/pantavisor.md), which any implementation has to withstand",
  card: "pvh's own description: a test harness whose results other programs read",
} as const;

/** The same documents in a few words. */
const SHORT_SOURCES: Readonly<Record<keyof typeof PROMISE_SOURCES, string>> = {
  A: "design of services, GEMINI.md of meta-pantavisor, first state",
  B: "appengine workflow, GEMINI.md of meta-pantavisor, 2026-01-22",
  P: "published documentation and test plans of Pantavisor",
  X: "no document: measured limits, races and hostile input",
  card: "pvh's own description",
};

/**
 * The catalogue of promises, fixtures/catalogue.json: one row for each check. `src` holds letters
 * of PROMISE_SOURCES, separated by blanks. `quirk` is the deviation that must turn the check red;
 * null where a fixture or a harness rule does (`fixture` says which). `real` is the outcome on
 * appengine 029-32: `ok`, `gap` (the promise is not kept), `bad` (a defect), `?` (not known), or
 * `–` where the check is of pvh alone; it comes from fixtures/real-029-32.json where `pvh conformance`
 * could judge the row, else from `realFrom`. `fact` is the section of docs/pantavisor.md that tells of a
 * `gap` or `bad`, `realQuirk` the deviation of 029-32 where that is another than `quirk`. `judges` is there where
 * a check of the broker's suites judges the image's Pantavisor, whichever broker runs under it.
 */
const row = z.object({
  id: z.string(),
  suite: z.string(),
  promise: z.string(),
  src: z.string(),
  quirk: z.string().nullable(),
  fixture: z.string().optional(),
  real: z.enum(["ok", "gap", "bad", "?", "–"]),
  realFrom: z.literal("documents").optional(),
  fact: z.string().optional(),
  realQuirk: z.string().optional(),
  /** Document that makes the promise, in the words of a project's own catalogue. */
  source: z.string().optional(),
  judges: z.literal("pantavisor").optional(),
});
export type CatalogueRow = z.infer<typeof row>;

/** A row of a project's own: an id and a sentence are enough. */
const ownRow = z
  .strictObject({
    id: z.string(),
    promise: z.string(),
    suite: z.string().default("own"),
    src: z.string().default(""),
    quirk: z
      .string()
      .refine((name) => Object.hasOwn(QUIRKS, name), { error: "there is no such quirk" })
      .nullable()
      .default(null),
    fixture: z.string().optional(),
  })
  .transform((given): CatalogueRow => ({
    ...given,
    real: "–",
    ...(given.src !== "" && { source: given.src }),
  }));

const OWN_KEYS = Object.keys(ownRow.in.shape);

export interface Catalogue {
  readonly rows: ReadonlyMap<string, CatalogueRow>;
  /** Problems of rows, by the row's id; a row without an id goes by its number. */
  readonly problems: ReadonlyMap<string, Failure>;
  /** Reason why no row can be read. */
  readonly unreadable?: Failure;
}

const FILE = "fixtures/catalogue.json";
let known: Catalogue | undefined;

/** The rows that can be used. */
export function catalogue(): ReadonlyMap<string, CatalogueRow> {
  return load().rows;
}

/** All problems of the catalogue, for callers that need all of its rows. */
export function catalogueProblems(): readonly Failure[] {
  const { unreadable, problems } = load();
  return [...(unreadable === undefined ? [] : [unreadable]), ...problems.values()];
}

/** The deviations that must turn the check red. */
export function quirksOf({ quirk, realQuirk }: CatalogueRow): string[] {
  return [quirk, realQuirk].filter((name) => name != null);
}

/** The promise of a row and the documents that make it, in words; empty for what is no row. */
export function promiseOf(id: string): { readonly promise?: string; readonly source?: string } {
  const found = load().rows.get(id);
  if (found === undefined) return {};
  const { promise } = found;
  if (found.source !== undefined) return { promise, source: found.source };
  const letters = found.src.split(" ").filter((letter) => Object.hasOwn(PROMISE_SOURCES, letter));
  const documents = letters.map((letter) => `${letter}: ${SHORT_SOURCES[letter as Source]}`);
  const fact = found.fact === undefined ? [] : [`docs/pantavisor.md ${found.fact}`];
  const source = [...documents, ...fact].join("; ");
  return source === "" ? { promise } : { promise, source };
}

type Source = keyof typeof PROMISE_SOURCES;

/**
 * @param mustBe the check has to be a row of the catalogue
 * @returns why a check of this row cannot run
 */
export function rowProblem(id: string, mustBe = true): Failure | undefined {
  const { unreadable, problems, rows } = load();
  if (rows.has(id)) return undefined;
  if (!mustBe) return problems.get(id);
  return (
    problems.get(id) ??
    unreadable ??
    failureOf("PVH_BAD_SCENARIO", `'${id}' is no row of ${FILE}`, "the rows are the promises")
  );
}

/** The row is there, whether or not it can be used. */
export function isRow(id: string): boolean {
  const { unreadable, problems, rows } = load();
  return unreadable !== undefined || problems.has(id) || rows.has(id);
}

/**
 * Add the rows of a project's own catalogue, a JSON list of `{ id, promise, suite?, src?, quirk? }`.
 * @throws PvhError PVH_USAGE for a file that cannot be read; a row that is wrong is a problem of its check
 */
export function useCatalogue(path: string): void {
  if (used === path) return;
  const added = readCatalogue(textOf(path), shownPath(path), ownRow);
  if (added.unreadable !== undefined) throw new PvhError("PVH_USAGE", added.unreadable.message);
  const pvhs = read();
  const isTaken = (id: string): boolean => pvhs.rows.has(id) || pvhs.problems.has(id);
  const taken = [...added.rows.keys()].filter(isTaken).map((id): [string, Failure] => {
    const message = `${shownPath(path)}: row '${id}' is one of pvh's own catalogue, too`;
    return [id, failureOf("PVH_BAD_SCENARIO", message, "give it another id")];
  });
  const free = [...added.rows].filter(([id]) => !isTaken(id));
  used = path;
  own = new Set(free.map(([id]) => id));
  known = {
    ...pvhs,
    rows: new Map([...free, ...[...pvhs.rows].filter(([id]) => !added.rows.has(id))]),
    problems: new Map([...pvhs.problems, ...added.problems, ...taken]),
  };
}

/** Path of the project's catalogue that is in `known`, and the ids of its rows. */
let used: string | undefined;
let own: ReadonlySet<string> = new Set();

/** The row is of the project's own catalogue. */
export function isOwn(id: string): boolean {
  load();
  return own.has(id);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const why = messageOfThrown(cause);
    throw new PvhError("PVH_USAGE", `the catalogue ${shownPath(path)} cannot be read: ${why}`, {
      cause,
    });
  }
}

/** Read what can be read: a row that is wrong takes no other with it. */
export function readCatalogue(
  text: string,
  file = FILE,
  schema: z.ZodType<CatalogueRow> = row,
): Catalogue {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    // V8 ends its message with the line and the column.
    const [, line = "1", column = "1"] =
      /\(line (\d+) column (\d+)\)/.exec(messageOfThrown(error)) ?? [];
    return unreadable(`${file}:${line}:${column}: it is no JSON: ${messageOfThrown(error)}`);
  }
  if (!Array.isArray(parsed)) return unreadable(`${file}:1:1: it is no list of rows`);
  const rows = new Map<string, CatalogueRow>();
  const problems = new Map<string, Failure>();
  parsed.forEach((entry: unknown, index) => {
    const id = propertyOf(entry, "id");
    const name = typeof id === "string" ? id : `row ${index + 1}`;
    const wrong = (what: string, hint?: string): void => {
      const called = typeof id === "string" ? `row '${id}'` : name;
      const at = `${file}:${positionOf(text, name)}: ${called}`;
      rows.delete(name);
      problems.set(name, failureOf("PVH_BAD_SCENARIO", `${at}: ${what}`, hint));
    };
    const { success, data, error } = schema.safeParse(entry);
    if (!success) {
      const told = error.issues.map(problemOf);
      const hint = error.issues
        .map((issue) => hintOf(issue, entry))
        .find((one) => one !== undefined);
      wrong(told.join("; "), hint);
    } else if (rows.has(name) || problems.has(name)) {
      wrong("it comes twice");
    } else {
      rows.set(name, data);
    }
  });
  return { rows, problems };
}

function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "unrecognized_keys") return `${issue.path.join(".")}: ${issue.message}`;
  return `${issue.keys.join(", ")}: there is no such key; expected ${OWN_KEYS.join(", ")}`;
}

function hintOf(issue: z.core.$ZodIssue, entry: unknown): string | undefined {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => didYouMean(key, OWN_KEYS)).find((one) => one !== undefined);
  }
  if (issue.path[0] !== "quirk") return undefined;
  const given = String(propertyOf(entry, "quirk"));
  return didYouMean(given, Object.keys(QUIRKS)) ?? "pvh quirks lists them";
}

function unreadable(message: string): Catalogue {
  const failure = failureOf("PVH_BAD_SCENARIO", message);
  return { rows: new Map(), problems: new Map(), unreadable: failure };
}

/** `line:column` of the last row with this id. */
function positionOf(text: string, id: string): string {
  const at = text.lastIndexOf(JSON.stringify(id));
  if (at < 0) return "1:1";
  const before = text.slice(0, at).split("\n");
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

function load(): Catalogue {
  known ??= read();
  return known;
}

function read(): Catalogue {
  try {
    return readCatalogue(readFileSync(new URL(`../../${FILE}`, import.meta.url), "utf8"));
  } catch (error) {
    return unreadable(`${FILE} cannot be read: ${messageOfThrown(error)}`);
  }
}
