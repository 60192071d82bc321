import { lotOf } from "../lot.ts";
import type { Mutant } from "./mutants.ts";

/** Durations in former runs, in milliseconds, by name, as far as they are known. */
export interface FormerMutants {
  /** Checks that passed, by their ids. */
  readonly checks: ReadonlyMap<string, number>;
  /** Whole runs under a single quirk. */
  readonly quirks: ReadonlyMap<string, number>;
}

const BOOT_MS = 8_000;
const CHECK_MS = 3_000;

/** The mutants that take longest first, so that none of them runs alone at the end. */
export function longestFirst(mutants: readonly Mutant[], former: FormerMutants): Mutant[] {
  const ms = new Map(mutants.map((mutant) => [mutant, expectedMs(mutant, former)]));
  return mutants.toSorted((a, b) => (ms.get(b) ?? 0) - (ms.get(a) ?? 0));
}

function expectedMs({ quirk, exists, scenarios }: Mutant, former: FormerMutants): number {
  if (!exists) return 0;
  const known = former.quirks.get(quirk);
  if (known !== undefined) return known;
  const checks = scenarios.flatMap((scenario) => scenario.checks);
  return checks.reduce(
    (sum, check) => sum + (former.checks.get(check) ?? CHECK_MS),
    scenarios.length * BOOT_MS,
  );
}

/** Some of the mutants, a tenth and one at least, which the seed draws. */
export function drawn(
  mutants: readonly Mutant[],
  seed: number,
  count = Math.ceil(mutants.length / 10),
): Mutant[] {
  const lots = mutants.map(({ quirk }) => lotOf(String(seed), quirk)).sort();
  const last = lots[Math.min(count, lots.length) - 1] ?? "";
  return mutants.filter(({ quirk }) => lotOf(String(seed), quirk) <= last);
}
