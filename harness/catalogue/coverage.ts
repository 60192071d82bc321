import type { CatalogueRow } from "./catalogue.ts";

/** Parts of a scenario that coverage needs. */
interface Covering {
  readonly name: string;
  readonly checks: readonly { readonly id: string; readonly suite: string }[];
}

/** A promise of the catalogue and the scenario that checks it. */
export interface CoveredRow {
  readonly id: string;
  readonly suite: string;
  readonly promise: string;
  /** Letters of PROMISE_SOURCES. */
  readonly src: string;
  readonly quirk: string | null;
  readonly scenarios: readonly string[];
}

export interface Coverage {
  readonly rows: readonly CoveredRow[];
  readonly suites: readonly {
    readonly suite: string;
    readonly covered: number;
    readonly rows: number;
  }[];
  readonly covered: number;
}

export function coverageOf(rows: Iterable<CatalogueRow>, scenarios: readonly Covering[]): Coverage {
  const covered = [...rows].map(({ id, suite, promise, src, quirk }) => ({
    id,
    suite,
    promise,
    src,
    quirk,
    scenarios: scenarios
      .filter(({ checks }) => checks.some((check) => check.id === id))
      .map(({ name }) => name),
  }));
  const suites = [...new Set(covered.map(({ suite }) => suite))].map((suite) => {
    const mine = covered.filter((row) => row.suite === suite);
    return { suite, covered: mine.filter(isCovered).length, rows: mine.length };
  });
  return { rows: covered, suites, covered: covered.filter(isCovered).length };
}

function isCovered(row: CoveredRow): boolean {
  return row.scenarios.length > 0;
}
