import type { Engine } from "../engine/engine.ts";
import { describeLeft, reap } from "../engine/reaper.ts";
import { lastAttempt } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";

/**
 * Remove everything of a run. Never throws: what became of the checks is known by now.
 *
 * @param signal ends the removal; default: a minute
 * @returns what is left, in words for the record; undefined when it is nothing
 */
export async function removeRun(
  engine: Engine,
  run: string,
  state: RunState,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    const { left } = await reap(engine, { kind: "run", run }, { ...(signal && { signal }) });
    return left.length === 0 ? undefined : words(describeLeft(left));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const names = appenginesInUse(state);
    const known = names.length === 0 ? "" : `, among it ${names.join(", ")}`;
    return words(`whatever has the label pvh.run=${run}${known} (${why})`);
  }
}

function words(left: string): string {
  return `left on the engine: ${left}; the next pvh removes it`;
}

/** Names of appengines whose scenario has not removed them. */
export function appenginesInUse({ scenarios }: RunState): string[] {
  return [...scenarios.values()].map(lastAttempt).flatMap(({ verdict, stages }) => {
    // A cancelled one leaves the removal to the end of the run.
    if (verdict !== undefined && verdict !== "skipped") return [];
    const names = stages.map(({ appengine }) => appengine).filter((name) => name !== "");
    return [...new Set(names)];
  });
}
