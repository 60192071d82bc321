import type { ScenarioDefinition } from "./scenario-definition.ts";

/**
 * While a collector is open in this thread, scenario() hands its definition over instead of
 * registering it with vitest: that is how scenarios are listed in milliseconds.
 */
let collector: ScenarioDefinition[] | undefined;

export function openCollector(): ScenarioDefinition[] | undefined {
  return collector;
}

/** Definitions that `load` declares. */
export async function collect(load: () => Promise<unknown>): Promise<ScenarioDefinition[]> {
  const collected: ScenarioDefinition[] = [];
  collector = collected;
  try {
    await load();
  } finally {
    collector = undefined;
  }
  return collected;
}
