import type { ErrorCode } from "./error-codes.ts";
import type { Failure } from "./events.ts";
import { printableLine } from "./printable.ts";
import { lastAttempt } from "./run-state.ts";
import type { RunState } from "./run-state.ts";
import { table } from "./table.ts";

/**
 * How an image stands to a promise that the other side, a reference or another image, was held to as well:
 * - `kept`: both keep it
 * - `gap`: the image does not
 * - `harmful`: the image does not, and a container or pv-ctrl no longer answered
 * - `reference`: the image keeps it, the other side does not
 * - `neither`: none of them does
 * - `not judged`: one side has no verdict of the product, for the reason that is told
 */
export type Conformity = "kept" | "gap" | "harmful" | "reference" | "neither" | "not judged";

const KINDS: readonly Conformity[] = [
  "kept",
  "gap",
  "harmful",
  "reference",
  "neither",
  "not judged",
];

export interface ConformanceRow {
  readonly check: string;
  readonly scenario: string;
  readonly suite: string;
  readonly promise: string;
  readonly conformity: Conformity;
  /** Failure of the image, or the reason why it has no verdict. */
  readonly detail: string;
  /** Failure of the other side, where it has one. */
  readonly against?: string;
}

/** A run of each side, and where the records are. */
export interface Conformance {
  readonly version: 1;
  readonly image: string;
  readonly against: string;
  readonly rows: readonly ConformanceRow[];
}

interface Verdict {
  readonly kind: "passed" | "failed" | "none";
  readonly detail: string;
  readonly code?: Failure["code"];
}

/** Codes of failures that tell of something that is gone or silent. */
const LOSSES: readonly (ErrorCode | "PVH_ASSERT")[] = ["PVH_CONTAINER_DOWN", "PVH_CONTROL"];

/** @param promiseOf the catalogue's row of a check */
export function conformanceRows(
  image: RunState,
  against: RunState,
  promiseOf: (check: string) => { readonly suite: string; readonly promise: string } | undefined,
): ConformanceRow[] {
  const other = verdictsOf(against);
  return [...verdictsOf(image)].map(([key, mine]) => {
    const [scenario = "", check = ""] = key.split("\0");
    const theirs = other.get(key) ?? { kind: "none", detail: "it did not run" };
    const { suite = "", promise = "" } = promiseOf(check) ?? {};
    return { check, scenario, suite, promise, ...judge(mine, theirs) };
  });
}

function judge(
  mine: Verdict,
  theirs: Verdict,
): Pick<ConformanceRow, "conformity" | "detail" | "against"> {
  if (mine.kind === "none") return { conformity: "not judged", detail: mine.detail };
  if (theirs.kind === "none") {
    return { conformity: "not judged", detail: mine.detail, against: theirs.detail };
  }
  if (mine.kind === "passed") {
    if (theirs.kind === "passed") return { conformity: "kept", detail: "" };
    return { conformity: "reference", detail: "", against: theirs.detail };
  }
  if (theirs.kind === "failed") {
    return { conformity: "neither", detail: mine.detail, against: theirs.detail };
  }
  const isLoss = mine.code !== undefined && LOSSES.includes(mine.code);
  return { conformity: isLoss ? "harmful" : "gap", detail: mine.detail };
}

/** Only the product's and the scenario's failures are verdicts on a promise. */
function verdictsOf(state: RunState): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  for (const scenario of state.scenarios.values()) {
    for (const { id, verdict, failure, reason } of lastAttempt(scenario).checks.values()) {
      const isOfProduct = failure?.class === "product" || failure?.class === "scenario";
      const detail = failure?.message ?? reason ?? "";
      verdicts.set(
        `${scenario.name}\0${id}`,
        verdict === "passed"
          ? { kind: "passed", detail: "" }
          : verdict === "failed" && failure !== undefined && isOfProduct
            ? { kind: "failed", detail, code: failure.code }
            : { kind: "none", detail: detail === "" ? "it gave no verdict" : detail },
      );
    }
  }
  return verdicts;
}

/** Facts about a release's image: promises that it keeps, and those that it does not. */
export type Known = ReadonlyMap<string, "keeps" | "departs">;

/**
 * How the image compares with a known one, of whose promises it was judged: how many are as there,
 * and the checks of those that are not.
 */
export function beside(
  { rows }: Pick<Conformance, "rows">,
  known: Known,
): { readonly alike: number; readonly other: readonly string[]; readonly unjudged: number } {
  const judged = rows.filter(({ check }) => known.has(check));
  const verdicts = judged.filter(({ conformity }) => conformity !== "not judged");
  const keeps = ({ conformity }: ConformanceRow) =>
    conformity === "kept" || conformity === "reference" ? "keeps" : "departs";
  const other = verdicts.filter((row) => keeps(row) !== known.get(row.check));
  return {
    alike: verdicts.length - other.length,
    other: other.map((row) => `${row.check} (it ${keeps(row)})`),
    unjudged: judged.length - verdicts.length,
  };
}

/** How many rows are of which kind, in one line. */
export function conformanceCounts({ rows }: Pick<Conformance, "rows">): string {
  return KINDS.map(
    (kind) => `${rows.filter(({ conformity }) => conformity === kind).length} ${kind}`,
  ).join(", ");
}

/** A table of the promises that are not kept, for a terminal. */
export function conformanceText(conformance: Conformance): string {
  const rows = conformance.rows.filter(({ conformity }) => conformity !== "kept");
  const lines = rows.map(({ check, conformity, detail, against = "" }) => [
    check,
    conformity,
    printableLine(detail === "" ? against : detail, 100),
  ]);
  const counts = conformanceCounts(conformance);
  if (lines.length === 0) return counts;
  return `${table(["CHECK", "CONFORMITY", "WHAT HAPPENED"], lines)}\n\n${counts}`;
}

/** All rows as a Markdown page. */
export function conformanceMarkdown(conformance: Conformance): string {
  const { image, against, rows } = conformance;
  const cell = (text: string): string =>
    printableLine(text, 200).replaceAll("\\", "\\\\").replaceAll("|", "\\|");
  return [
    `# ${cell(image)} against ${cell(against)}`,
    "",
    `${conformanceCounts(conformance)}.`,
    "",
    "| check | promise | conformity | what happened |",
    "| --- | --- | --- | --- |",
    ...rows.map(
      ({ check, promise, conformity, detail, against: other }) =>
        `| ${cell(check)} | ${cell(promise)} | ${conformity} | ${cell(detail === "" ? (other ?? "") : detail)} |`,
    ),
    "",
  ].join("\n");
}
