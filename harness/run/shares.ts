import type { ContainerDefinition } from "../exports/container-definition.ts";
import { failureOf } from "../failure.ts";
import type { Failure } from "../../reports/events.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";

type Member = Pick<DiscoveredScenario, "name" | "shares" | "alone" | "boot" | "containers">;

/** Scenarios that use one appengine, one after the other. */
export interface Share {
  readonly members: readonly string[];
  /** The containers of all of them. */
  readonly containers: readonly (string | ContainerDefinition)[];
  /** Reason why they cannot use one. */
  readonly problem?: Failure;
}

/** The shares by name, of which two scenarios at least are there. */
export function sharesOf(scenarios: readonly Member[]): ReadonlyMap<string, Share> {
  const byName = Map.groupBy(scenarios, ({ shares }) => shares);
  return new Map(
    [...byName].flatMap(([name, members]) =>
      name === undefined || members.length < 2 ? [] : [[name, shareOf(name, members)] as const],
    ),
  );
}

function shareOf(share: string, members: readonly Member[]): Share {
  const containers = new Map<string, string | ContainerDefinition>();
  const problems: string[] = [];
  for (const { name, alone, boot, containers: own } of members) {
    if (alone) problems.push(`${name} runs alone`);
    if (boot !== members[0]?.boot) problems.push(`${name} boots with options of its own`);
    for (const container of own) {
      const called = typeof container === "string" ? container : container.name;
      const known = containers.get(called) ?? container;
      if (JSON.stringify(known) !== JSON.stringify(container)) {
        problems.push(`${name} has another container '${called}'`);
      }
      containers.set(called, known);
    }
  }
  const [problem] = problems;
  return {
    members: members.map(({ name }) => name),
    containers: [...containers.values()],
    ...(problem !== undefined && {
      problem: failureOf("PVH_BAD_SCENARIO", `'${share}' cannot be shared: ${problem}`),
    }),
  };
}
