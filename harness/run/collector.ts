import type { ScenarioDefinition } from "./scenario-definition.ts";

/**
 * While a collector is open in this thread, scenario() hands its definition over instead of
 * registering it with vitest: that is how scenarios are listed in milliseconds.
 */
let collector: Collector | undefined;

interface Collector {
  /** Every check has to be a row of the catalogue. */
  readonly onlyRows: boolean;
  readonly definitions: ScenarioDefinition[];
}

export function openCollector(): Collector | undefined {
  return collector;
}

/** Definitions that `load` declares. */
export async function collect(
  onlyRows: boolean,
  load: () => Promise<unknown>,
): Promise<ScenarioDefinition[]> {
  const collected: ScenarioDefinition[] = [];
  collector = { onlyRows, definitions: collected };
  try {
    await load();
  } finally {
    collector = undefined;
  }
  return collected;
}
