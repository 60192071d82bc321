/** Scenarios that run in one process, one after the other. */
export interface Unit {
  /** Name of their share; undefined for a scenario with a process and an appengine of its own. */
  readonly share?: string;
  readonly scenarios: readonly string[];
}

/**
 * Scenarios of one share together, at the place of the first of them.
 * @param shareOf share of a scenario, if it has one in this round
 */
export function unitsOf(
  scenarios: readonly string[],
  shareOf: (scenario: string) => string | undefined,
): Unit[] {
  const groups = Map.groupBy(scenarios, (name) => shareOf(name) ?? { alone: name });
  return [...groups].map(([share, members]) =>
    typeof share === "string" && members.length > 1
      ? { share, scenarios: members }
      : { scenarios: members },
  );
}
