import type { ErrorCode } from "./error-codes.ts";
import { firstDivergence } from "./divergence.ts";
import type { Divergence } from "./divergence.ts";
import type { Failure, RecordedEvent } from "./events.ts";
import type { Fact } from "./failure-details.ts";
import { printableLine } from "./printable.ts";
import { foldRun, lastAttempt } from "./run-state.ts";
import type { CheckState } from "./run-state.ts";
import { transcriptKey, transcriptsOf } from "./transcript.ts";
import type { Transcript } from "./transcript.ts";

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
  /** Value that the image's check judged, and the promised one. */
  readonly fact?: Fact;
  /** Absent where both sides keep the promise, and where one was not judged. */
  readonly divergence?: Divergence;
}

/** An image as it was asked for, and the engine's id of it, a digest of its content. */
export interface JudgedImage {
  readonly reference: string;
  readonly id?: string;
}

/** conformance.json */
export interface Conformance {
  readonly version: 2;
  readonly image: JudgedImage;
  readonly against: JudgedImage;
  readonly rows: readonly ConformanceRow[];
}

interface Verdict {
  readonly kind: "passed" | "failed" | "none";
  readonly detail: string;
  readonly code?: Failure["code"];
  readonly fact?: Fact;
  readonly transcript?: Transcript;
}

/** Codes of failures that tell of something that is gone or silent. */
const LOSSES: readonly (ErrorCode | "PVH_ASSERT")[] = ["PVH_CONTAINER_DOWN", "PVH_CONTROL"];

/**
 * @param image events of the image's run
 * @param against events of the other side's run
 * @param promiseOf the catalogue's row of a check
 */
export function conformanceRows(
  image: readonly RecordedEvent[],
  against: readonly RecordedEvent[],
  promiseOf: (check: string) => { readonly suite: string; readonly promise: string } | undefined,
): ConformanceRow[] {
  const other = verdictsOf(against);
  return [...verdictsOf(image)].map(([key, mine]) => {
    const [scenario = "", check = ""] = key.split("\0");
    const theirs = other.get(key) ?? { kind: "none", detail: "it did not run" };
    const { suite = "", promise = "" } = promiseOf(check) ?? {};
    return { check, scenario, suite, promise, ...judge(mine, theirs), ...apart(mine, theirs) };
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

/** Where the two sides part, of rows that are not kept by both. */
function apart(mine: Verdict, theirs: Verdict): Pick<ConformanceRow, "fact" | "divergence"> {
  const isJudged = mine.kind !== "none" && theirs.kind !== "none";
  if (!isJudged || (mine.kind === "passed" && theirs.kind === "passed")) return {};
  const fact = mine.fact ?? theirs.fact;
  const divergence = firstDivergence(told(mine), told(theirs));
  return { ...(fact !== undefined && { fact }), ...(divergence !== undefined && { divergence }) };
}

function told({ kind, detail, transcript }: Verdict) {
  return {
    transcript,
    end: kind === "passed" ? "passed" : `failed: ${printableLine(detail, 240)}`,
  };
}

/** Only the product's and the scenario's failures are verdicts on a promise. */
function verdictsOf(events: readonly RecordedEvent[]): Map<string, Verdict> {
  const transcripts = transcriptsOf(events);
  const verdicts = new Map<string, Verdict>();
  for (const scenario of foldRun(events).scenarios.values()) {
    for (const { id, verdict, failure, reason } of lastAttempt(scenario).checks.values()) {
      const key = transcriptKey(scenario.name, id);
      const transcript = transcripts.get(key);
      verdicts.set(key, {
        ...verdictOf(verdict, failure, reason),
        ...(transcript !== undefined && { transcript }),
      });
    }
  }
  return verdicts;
}

function verdictOf(
  verdict: CheckState["verdict"],
  failure: Failure | undefined,
  reason: string | undefined,
): Verdict {
  if (verdict === "passed") return { kind: "passed", detail: "" };
  const detail = failure?.message ?? reason ?? "";
  const isOfProduct = failure?.class === "product" || failure?.class === "scenario";
  if (verdict === "failed" && failure !== undefined && isOfProduct) {
    const { code, fact } = failure;
    return { kind: "failed", detail, code, ...(fact !== undefined && { fact }) };
  }
  return { kind: "none", detail: detail === "" ? "it gave no verdict" : detail };
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
