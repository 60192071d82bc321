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
  /** Those that run: the claims and their witness, or every check of the scenario. */
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
 * - `skipped`: this machine cannot tell
 * - `lost`: it gave no verdict
 * - `no such quirk`: the reference cannot be told to make it
 * - `ran`: a check that does not claim the quirk, whatever it came to
 */
export type Judgement =
  "red" | "GREEN" | "wrong reason" | "skipped" | "lost" | "no such quirk" | "ran";

export interface MutantRow {
  readonly quirk: string;
  readonly scenario: string;
  readonly check: string;
  readonly judgement: Judgement;
  readonly detail: string;
}

/** How much of a scenario runs under a quirk. */
export interface Scope {
  /** Run the claims and one witness, instead of every check. */
  readonly claimsOnly: boolean;
  /** Milliseconds that a check took when it last passed; undefined when that is not known. */
  readonly msOf: (check: string) => number | undefined;
}

/**
 * The quirks that the catalogue's rows of these scenarios' checks name.
 *
 * A witness is a check that does not claim the quirk: its verdict shows that the quirk leaves the
 * scenario running.
 */
export function mutantsOf(
  scenarios: readonly {
    readonly name: string;
    readonly all: readonly string[];
    readonly selected: readonly string[];
  }[],
  quirksOf: (check: string) => readonly string[],
  exists: (quirk: string) => boolean,
  { claimsOnly, msOf }: Scope,
): Mutant[] {
  const quirks = new Set(scenarios.flatMap(({ selected }) => selected.flatMap(quirksOf)));
  return [...quirks].sort().map((quirk) => ({
    quirk,
    exists: exists(quirk),
    scenarios: scenarios
      .map(({ name, all, selected }) => {
        const claims = selected.filter((check) => quirksOf(check).includes(quirk));
        const others = all.filter((check) => !quirksOf(check).includes(quirk));
        const run = claimsOnly ? [...claims, ...witness(others, msOf)] : all;
        return { name, checks: all.filter((check) => run.includes(check)), claims };
      })
      .filter(({ claims }) => claims.length > 0),
  }));
}

/** The check that was the quickest when it last passed; the first when none has been timed. */
function witness(checks: readonly string[], msOf: Scope["msOf"]): string[] {
  const known = checks.filter((check) => msOf(check) !== undefined);
  const quickest = known.toSorted((a, b) => (msOf(a) ?? 0) - (msOf(b) ?? 0))[0] ?? checks[0];
  return quickest === undefined ? [] : [quickest];
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
        if (!mutant.exists)
          return { judgement: "no such quirk", detail: "broker/shared/quirks/names.ts" };
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

function judgeClaim(
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
