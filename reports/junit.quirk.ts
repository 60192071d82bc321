import { lastAttempt } from "./run-state.ts";
import type { RunState, ScenarioState } from "./run-state.ts";

/** The run as junit.xml tells it; under the quirk without reasons of skips and earlier attempts. */
export function asTold(state: RunState): RunState {
  if (state.started?.quirks.includes("junit-thin") !== true) return state;
  const scenarios = [...state.scenarios].map(([name, scenario]) => {
    const last = lastAttempt(scenario);
    const checks = [...last.checks].map(
      ([id, check]) => [id, { ...check, reason: undefined }] as const,
    );
    const thin: ScenarioState = {
      ...scenario,
      attempts: [{ ...last, checks: new Map(checks) }],
    };
    return [name, thin] as const;
  });
  return { ...state, scenarios: new Map(scenarios) };
}
