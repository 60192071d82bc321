import { readFileSync } from "node:fs";
import { missingContainer } from "../exports/missing-container.ts";
import { failureOf } from "../failure.ts";
import { placeIn } from "../place-in.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";

/** A scenario with a container that does not exist cannot run. */
export async function refuseMissing(scenario: DiscoveredScenario): Promise<DiscoveredScenario> {
  for (const item of scenario.containers) {
    const missing = typeof item === "string" ? await missingContainer(item) : undefined;
    if (missing === undefined) continue;
    const source = readFileSync(scenario.path, "utf8");
    const offset = source.indexOf(JSON.stringify(item));
    const place = offset < 0 ? scenario.file : `${scenario.file}:${placeIn(source, offset)}`;
    const problem = failureOf("PVH_BAD_SCENARIO", `${place}: ${missing.message}`, missing.hint);
    return { ...scenario, checks: scenario.checks.map((check) => ({ problem, ...check })) };
  }
  return scenario;
}
