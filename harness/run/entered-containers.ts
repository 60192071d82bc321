import { failureOf } from "../failure.ts";
import { didYouMean } from "../near-names.ts";
import { projectFacts } from "../project-facts.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";

/** A check that enters a container by a name that its scenario does not deploy cannot run. */
export function refuseStrangers(scenario: DiscoveredScenario): DiscoveredScenario {
  const names = scenario.containers.map(containerName);
  // An export that is given as a file, or by the configuration, holds any names.
  if (names.includes(undefined) || (projectFacts()?.exports.length ?? 0) > 0) return scenario;
  const known = names.filter((name) => name !== undefined);
  const checks = scenario.checks.map((check) => {
    const stranger = check.entered?.find(({ name }) => !known.includes(name));
    if (stranger === undefined || check.problem !== undefined) return check;
    const { name, at } = stranger;
    const what = `check '${check.id}' enters '${name}', which the scenario does not deploy`;
    const place = at === undefined ? scenario.file : `${scenario.file}:${at}`;
    const hint = didYouMean(name, known) ?? `it deploys ${known.join(", ") || "no container"}`;
    const problem = failureOf("PVH_BAD_SCENARIO", `${place}: ${what}`, hint);
    return { ...check, problem };
  });
  return { ...scenario, checks };
}

/** @returns undefined where the name cannot be told */
function containerName(container: DiscoveredScenario["containers"][number]): string | undefined {
  if (typeof container !== "string") return container.name;
  if (!container.includes("/")) return container;
  return /\.(tgz|tar|gz)$/.test(container)
    ? undefined
    : container.replace(/\/$/, "").split("/").at(-1);
}
