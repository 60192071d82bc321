import { judgeClaim } from "./mutants.ts";
import type { CheckResult, Mutant, MutantRow } from "./mutants.ts";
import type { Sources } from "./touched.ts";

/** A check to run: in strict, or under one quirk. */
export interface PlannedVariant {
  readonly check: string;
  readonly quirk?: string;
}

/** Result of a check in strict, or under one quirk. */
export type VariantResult = CheckResult & Pick<PlannedVariant, "quirk">;

/**
 * Quirks that act when pv-xconnect starts, and in no other program: only files of the broker ask for
 * them.
 */
export function brokersOwn(quirks: readonly string[], sources: Sources): string[] {
  const texts = [...sources].filter(
    ([path]) => !path.startsWith("broker/shared/quirks/") && !path.endsWith(".test.ts"),
  );
  return quirks.filter((quirk) => {
    const asking = texts.filter(
      ([path, text]) => path.startsWith("broker/") && text.includes(`"${quirk}"`),
    );
    return asking.length > 0 && asking.every(([path]) => path.startsWith("broker/xconnect/"));
  });
}

/**
 * Runs of a scenario for these mutants, in an order that needs few boots: the claimed checks in
 * strict, then under quirks of pv-xconnect, then under the other quirks, which take a boot each.
 */
export function variantsOf(
  scenario: string,
  mutants: readonly Mutant[],
  isBrokers: (quirk: string) => boolean,
): PlannedVariant[] {
  const claims = mutants
    .filter(({ exists }) => exists)
    .flatMap(({ quirk, scenarios }) =>
      scenarios
        .filter(({ name }) => name === scenario)
        .flatMap((one) => one.claims.map((check) => ({ check, quirk }))),
    );
  const checks = new Set(claims.map(({ check }) => check));
  return [
    ...[...checks].map((check) => ({ check })),
    ...claims.filter(({ quirk }) => isBrokers(quirk)),
    ...claims.filter(({ quirk }) => !isBrokers(quirk)),
  ];
}

/**
 * The rows of a mutant: of each claim, whether the check is red under the quirk, and green without it.
 * @param suiteOf the catalogue's suite of a check: only checks of `boot` may fail by the boot
 */
export function judgeWarm(
  { quirk, exists, scenarios }: Mutant,
  results: readonly VariantResult[],
  suiteOf: (check: string) => string,
): MutantRow[] {
  return scenarios.flatMap(({ name: scenario, claims }) =>
    claims.map((check): MutantRow => {
      const row = { quirk, scenario, check };
      if (!exists) {
        return { ...row, judgement: "no such quirk", detail: "pvh quirks lists them" };
      }
      const of = (under: string | undefined): VariantResult | undefined =>
        results.find(
          (one) => one.scenario === scenario && one.check === check && one.quirk === under,
        );
      const [strict, mutated] = [of(undefined), of(quirk)];
      if (strict === undefined || mutated === undefined) {
        return { ...row, judgement: "lost", detail: "it gave no verdict" };
      }
      if (strict.verdict === "failed") {
        const { code = "", message = "" } = strict.failure ?? {};
        return { ...row, judgement: "never green", detail: `${code}: ${message}` };
      }
      return { ...row, ...judgeClaim(mutated, suiteOf(check) === "boot") };
    }),
  );
}
