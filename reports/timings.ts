import type { BootStage } from "./events.ts";
import { lastAttempt } from "./run-state.ts";
import type { RunState, ScenarioState } from "./run-state.ts";
import { table } from "./table.ts";

/** Milliseconds of a scenario's last attempt, by what they were spent on. */
export interface Timing {
  readonly name: string;
  readonly ms: number;
  /** Boot of the scenario's own appengine. */
  readonly boot: number;
  /** Checks, with the appengines that they boot. */
  readonly checks: number;
  readonly evidence: number;
  readonly removal: number;
}

/** Timings of the scenarios that have ended, the longest first. */
export function timingsOf(state: RunState): Timing[] {
  return [...state.scenarios.values()]
    .filter((scenario) => lastAttempt(scenario).verdict !== undefined)
    .map(timingOf)
    .toSorted((a, b) => b.ms - a.ms);
}

function timingOf(scenario: ScenarioState): Timing {
  const { ms, stages, checks, evidenceMs, removalMs } = lastAttempt(scenario);
  return {
    name: scenario.name,
    ms,
    boot: sum(stages.filter((stage) => !stage.inCheck).map((stage) => stage.ms)),
    checks: sum([...checks.values()].map((check) => check.ms)),
    evidence: evidenceMs,
    removal: removalMs,
  };
}

/**
 * Where the time of a run went: its set-up, and the sums over its scenarios, which overlap. The rest
 * is the start of the scenarios' processes.
 */
export function timeLine(state: RunState): string | undefined {
  const timings = timingsOf(state);
  if (timings.length === 0) return undefined;
  const parts = (["boot", "checks", "evidence", "removal"] as const).map(
    (part) => `${part} ${seconds(sum(timings.map((timing) => timing[part])))}`,
  );
  const setUp = state.preparedMs === undefined ? "" : `set-up ${seconds(state.preparedMs)}; `;
  return `${setUp}all scenarios together: ${parts.join(", ")}`;
}

/** The boots of a run by stage; those that checks make count. */
export function stageLine(state: RunState): string | undefined {
  const stages = new Map<BootStage, number>();
  for (const scenario of state.scenarios.values()) {
    for (const { stage, ms } of lastAttempt(scenario).stages) {
      stages.set(stage, (stages.get(stage) ?? 0) + ms);
    }
  }
  if (stages.size === 0) return undefined;
  return [...stages].map(([stage, ms]) => `${stage} ${seconds(ms)}`).join(", ");
}

/** A line for each scenario, in seconds. */
export function timingsTable(state: RunState): string {
  return table(
    ["SCENARIO", "SECONDS", "BOOT", "CHECKS", "EVIDENCE", "REMOVAL"],
    timingsOf(state).map(({ name, ms, boot, checks, evidence, removal }) => [
      name,
      ...[ms, boot, checks, evidence, removal].map((part) => (part / 1000).toFixed(1)),
    ]),
  );
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
