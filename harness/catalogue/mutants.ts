import { NOT_JUDGED } from "../../reports/events.ts";
import type { Failure, Verdict } from "../../reports/events.ts";
import type { Touched } from "./touched.ts";

/** A quirk, and the scenarios with a check that claims to notice it. */
export interface Mutant {
  readonly quirk: string;
  /** False when the reference cannot be told to make it. */
  readonly exists: boolean;
  readonly scenarios: readonly MutantScenario[];
}

export interface MutantScenario {
  readonly name: string;
  /** Every check of the scenario. */
  readonly checks: readonly string[];
  /** Those whose row of the catalogue names the quirk. */
  readonly claims: readonly string[];
}

/** Result of a check under a quirk. */
export interface CheckResult {
  readonly scenario: string;
  readonly check: string;
  readonly verdict: Verdict;
  readonly failure?: Failure | undefined;
  readonly reason?: string | undefined;
}

/**
 * - `red`: a check that claims the quirk noticed it, as it should
 * - `GREEN`: it did not
 * - `wrong reason`: it failed, but not by its own judgement
 * - `never green`: it fails without the quirk too
 * - `skipped`: this machine cannot tell
 * - `lost`: it gave no verdict
 * - `no such quirk`: the reference cannot be told to make it
 * - `ran`: a check that does not claim the quirk, whatever it came to
 */
export type Judgement =
  "red" | "GREEN" | "wrong reason" | "never green" | "skipped" | "lost" | "no such quirk" | "ran";

export interface MutantRow {
  readonly quirk: string;
  readonly scenario: string;
  readonly check: string;
  readonly judgement: Judgement;
  readonly detail: string;
}

/** The quirks that the catalogue's rows of these scenarios' checks name. */
export function mutantsOf(
  scenarios: readonly {
    readonly name: string;
    readonly all: readonly string[];
    readonly selected: readonly string[];
  }[],
  quirksOf: (check: string) => readonly string[],
  exists: (quirk: string) => boolean,
): Mutant[] {
  const quirks = new Set(scenarios.flatMap(({ selected }) => selected.flatMap(quirksOf)));
  return [...quirks].sort().map((quirk) => ({
    quirk,
    exists: exists(quirk),
    scenarios: scenarios
      .map(({ name, all, selected }) => ({
        name,
        checks: all,
        claims: selected.filter((check) => quirksOf(check).includes(quirk)),
      }))
      .filter(({ claims }) => claims.length > 0),
  }));
}

/** @param fileOf path of a scenario's file */
export function isTouched(
  { quirk, scenarios }: Mutant,
  { quirks, scenarios: files, rows }: Touched,
  fileOf: (scenario: string) => string,
): boolean {
  if (quirks.has(quirk)) return true;
  return scenarios.some(
    ({ name, claims }) => files.has(fileOf(name)) || claims.some((check) => rows.has(check)),
  );
}

/** @param suiteOf the catalogue's suite of a check: only checks of `boot` may fail by the boot */
export function judge(
  mutant: Mutant,
  results: readonly CheckResult[],
  suiteOf: (check: string) => string,
): MutantRow[] {
  return mutant.scenarios.flatMap(({ name: scenario, checks, claims }) =>
    checks.flatMap((check): MutantRow[] => {
      const claimed = claims.includes(check);
      if (!mutant.exists && !claimed) return [];
      const result = results.find((one) => one.scenario === scenario && one.check === check);
      return [{ quirk: mutant.quirk, scenario, check, ...judgeCheck() }];

      function judgeCheck(): Pick<MutantRow, "judgement" | "detail"> {
        if (!mutant.exists) return { judgement: "no such quirk", detail: "pvh quirks lists them" };
        if (result === undefined) return { judgement: "lost", detail: "it gave no verdict" };
        if (!claimed) return { judgement: "ran", detail: result.verdict };
        return judgeClaim(result, suiteOf(check) === "boot");
      }
    }),
  );
}

export function isBad({ judgement }: MutantRow): boolean {
  return judgement !== "red" && judgement !== "ran" && judgement !== "skipped";
}

/** Judgement of a check under a quirk that it claims to notice. */
export function judgeClaim(
  { verdict, failure, reason = "" }: CheckResult,
  mayFailInBoot: boolean,
): Pick<MutantRow, "judgement" | "detail"> {
  if (verdict === "passed") return { judgement: "GREEN", detail: "it does not notice the quirk" };
  if (verdict === "skipped") {
    return { judgement: reason.startsWith(NOT_JUDGED) ? "lost" : "skipped", detail: reason };
  }
  if (failure === undefined) return { judgement: "wrong reason", detail: "it failed without one" };
  const detail = `${failure.code}: ${failure.message}`;
  const ownJudgement = failure.class === "product" || failure.class === "scenario";
  const boot = failure.code === "PVH_NEVER_READY" && !mayFailInBoot;
  return { judgement: ownJudgement && !boot ? "red" : "wrong reason", detail };
}
