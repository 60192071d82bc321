import { printableLine } from "./printable.ts";
import { table } from "./table.ts";

/**
 * How a check of one run stands in a later one:
 * - `broken`: it fails now, and did not
 * - `not judged`: it has no verdict now, and had one
 * - `mended`: it passes now, and failed
 * - `judged`: it passes now, and had no verdict
 * - `same`
 */
export type Change = "broken" | "not judged" | "mended" | "judged" | "same";

export interface ComparedCheck {
  readonly scenario: string;
  readonly check: string;
  readonly before: string;
  readonly after: string;
  readonly change: Change;
  /** Reason of the verdict that is there now. */
  readonly detail: string;
}

interface Run {
  readonly scenarios: readonly {
    readonly name: string;
    readonly checks: readonly {
      readonly id: string;
      readonly verdict: string;
      readonly message?: string | undefined;
    }[];
  }[];
}

/** Verdict of a check that a run does not have. */
const ABSENT = "absent";

/** The checks of both runs, in the order of the later one, then those that only the earlier one has. */
export function compareRuns(earlier: Run, later: Run): ComparedCheck[] {
  const before = verdictsOf(earlier);
  const after = verdictsOf(later);
  const keys = new Set([...after.keys(), ...before.keys()]);
  return [...keys].map((key) => {
    const then = before.get(key);
    const now = after.get(key);
    const [scenario = "", check = ""] = key.split("\0");
    const verdicts = { before: then?.verdict ?? ABSENT, after: now?.verdict ?? ABSENT };
    return { scenario, check, ...verdicts, change: changeOf(verdicts), detail: now?.message ?? "" };
  });
}

/** A gate has to look at it. */
export function isWorse({ change }: ComparedCheck): boolean {
  return change === "broken" || change === "not judged";
}

/** A table of the checks whose verdict differs; the last line counts the checks of each kind. */
export function comparisonText(checks: readonly ComparedCheck[]): string {
  const rows = checks
    .filter(({ change }) => change !== "same")
    .map(({ check, scenario, before, after, change, detail }) => [
      printableLine(check),
      printableLine(scenario),
      printableLine(`${before} -> ${after}`),
      change,
      printableLine(detail, 100),
    ]);
  const counts = (["broken", "not judged", "mended", "judged", "same"] as const).map(
    (change) => `${checks.filter((one) => one.change === change).length} ${change}`,
  );
  const head = ["CHECK", "SCENARIO", "VERDICT", "CHANGE", "WHY"];
  return [...(rows.length === 0 ? [] : [table(head, rows), ""]), counts.join(", ")].join("\n");
}

function verdictsOf({ scenarios }: Run) {
  return new Map(
    scenarios.flatMap(({ name, checks }) =>
      checks.map(
        ({ id, verdict, message }) =>
          // A check that is known to fail has failed.
          [
            `${name}\0${id}`,
            { verdict: verdict === "known" ? "failed" : verdict, message },
          ] as const,
      ),
    ),
  );
}

function changeOf({ before, after }: { readonly before: string; readonly after: string }): Change {
  if (before === after) return "same";
  if (after === "failed") return "broken";
  if (after === "passed") return before === "failed" ? "mended" : "judged";
  return before === "passed" || before === "failed" ? "not judged" : "same";
}
