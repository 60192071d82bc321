import { readFileSync } from "node:fs";
import { containerExists } from "../exports/container-exists.ts";
import { failureOf } from "../failure.ts";
import { placeIn } from "../place-in.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";

/** A scenario with a container that does not exist cannot run. */
export async function refuseMissing(scenario: DiscoveredScenario): Promise<DiscoveredScenario> {
  for (const item of scenario.containers) {
    if (typeof item !== "string" || containerExists(item)) continue;
    // Loaded late: it reads the examples.
    const { missingContainer } = await import("../exports/missing-container.ts");
    const missing = await missingContainer(item);
    if (missing === undefined) continue;
    const source = readFileSync(scenario.path, "utf8");
    const offset = source.indexOf(JSON.stringify(item));
    const place = offset < 0 ? scenario.file : `${scenario.file}:${placeIn(source, offset)}`;
    const problem = failureOf("PVH_BAD_SCENARIO", `${place}: ${missing.message}`, missing.hint);
    return { ...scenario, checks: scenario.checks.map((check) => ({ problem, ...check })) };
  }
  return scenario;
}
