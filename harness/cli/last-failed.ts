import { foldRecord } from "../../reports/read-record.ts";
import { lastAttempt, scenarioName } from "../../reports/run-state.ts";
import type { DiscoveredScenario } from "../run/discovered-scenario.ts";
import type { Selected } from "../run/selection.ts";
import { readRecordOf } from "./read-record-of.ts";

/**
 * The part of a selection that failed in the last run: failed checks, and all checks of a scenario that failed
 * outside of them.
 * @throws PvhError PVH_USAGE where there is no run
 */
export function lastFailed(
  selected: readonly Selected<DiscoveredScenario>[],
  run = "latest",
): Selected<DiscoveredScenario>[] {
  const { scenarios } = foldRecord(readRecordOf(run).record);
  const failed = new Map<string, Set<string> | "all">();
  for (const scenario of scenarios.values()) {
    const { verdict, checks } = lastAttempt(scenario);
    if (verdict === "passed") continue;
    const ids = [...checks.values()].filter((check) => check.verdict === "failed");
    if (ids.length === 0 && verdict !== "failed") continue;
    const name = scenarioName(scenario.name);
    const known = failed.get(name) ?? new Set<string>();
    if (ids.length === 0 || known === "all") failed.set(name, "all");
    else failed.set(name, new Set([...known, ...ids.map(({ id }) => id)]));
  }
  return selected.flatMap(({ scenario, checks }) => {
    const which = failed.get(scenario.name);
    if (which === undefined) return [];
    const kept = which === "all" ? checks : checks.filter((id) => which.has(id));
    return kept.length === 0 ? [] : [{ scenario, checks: kept }];
  });
}
