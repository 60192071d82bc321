import type { BootStage, Failure } from "./events.ts";
import { inOrder, lastAttempt } from "./run-state.ts";
import type { AttemptState, RunState } from "./run-state.ts";

/** Checks that did not run for one failure, which is told once for all of them. */
export interface Unrun {
  /** Names of their scenarios in the record. */
  readonly scenarios: readonly string[];
  readonly checks: number;
}

/** Failed checks of scenarios that never had an appengine, by the message of their failure. */
export function unrunChecks(state: RunState): ReadonlyMap<string, Unrun> {
  const unrun = new Map<string, Unrun>();
  for (const scenario of inOrder(state)) {
    const attempt = lastAttempt(scenario);
    if (hasBegun(attempt)) continue;
    for (const { failure } of attempt.checks.values()) {
      if (failure === undefined) continue;
      const { scenarios, checks } = unrun.get(failure.message) ?? { scenarios: [], checks: 0 };
      unrun.set(failure.message, {
        scenarios: [...new Set([...scenarios, scenario.name])],
        checks: checks + 1,
      });
    }
  }
  return unrun;
}

/** The one failure of all failed checks of a scenario, such as a failed boot. */
export function setUpFailure({ checks, failure }: AttemptState): Failure | undefined {
  const failed = [...checks.values()].filter((check) => check.failure !== undefined);
  if (failure === undefined || failed.length === 0) return undefined;
  const isShared = failed.every((check) => check.failure?.message === failure.message);
  return isShared ? failure : undefined;
}

/** An appengine of it was made, or it used one that was there. */
export function hasBegun({ stages, after, evidence }: AttemptState): boolean {
  const made = stages.some(({ stage, ok }) => ok && !BEFORE_A_CONTAINER.has(stage));
  return made || after.length > 0 || evidence.length > 0;
}

const BEFORE_A_CONTAINER: ReadonlySet<string> = new Set<BootStage>(["engine", "image"]);

/** `4 checks of second, third` */
export function unrunWords({ scenarios, checks }: Unrun): string {
  const named = scenarios.slice(0, MOST_NAMES).join(", ");
  const more = scenarios.length - MOST_NAMES;
  return `${checks} check${checks === 1 ? "" : "s"} of ${named}${more > 0 ? ` and ${more} more scenarios` : ""}`;
}

const MOST_NAMES = 5;
