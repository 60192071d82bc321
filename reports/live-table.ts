import { printableLine } from "./printable.ts";
import { countChecks, lastAttempt, scenarioName } from "./run-state.ts";
import type { AttemptState, RunState } from "./run-state.ts";

/** Former durations of scenarios, and how many run at a time: what an estimate rests on. */
export interface Forecast {
  /** Milliseconds by name. */
  readonly durations: ReadonlyMap<string, number>;
  readonly jobs: number;
}

/** Rows of scenarios that are shown; the last one counts the rest. */
const MOST_ROWS = 10;

/**
 * The state of a run on a terminal, redrawn as it goes: progress and estimate, and a row for each scenario
 * that runs. Empty when none does.
 * @param columns no line is as wide: one that wraps could not be replaced
 */
export function liveTable(
  state: RunState,
  now: number,
  columns: number,
  forecast?: Forecast,
): string[] {
  const running = [...state.scenarios.values()]
    .map((scenario) => ({ name: scenario.name, attempt: lastAttempt(scenario) }))
    .filter(({ attempt }) => attempt.verdict === undefined);
  if (running.length === 0) return [];
  const all = state.started?.selected.length ?? 0;
  const done = state.scenarios.size - running.length;
  const { passed, failed } = countChecks(state);
  const left = forecast === undefined ? undefined : millisecondsLeft(state, now, forecast);
  const estimate = left === undefined ? "" : `, about ${roughly(left)} left`;
  const width = Math.max(4, ...running.map(({ name }) => Math.min(30, name.length)));
  const rows = running.map(({ name, attempt }) =>
    [
      ` ${printableLine(name, 30).padEnd(width)}`,
      printableLine(activityOf(attempt), 60),
      `(${secondsSince(attempt, now)} s)`,
    ].join("  "),
  );
  const over = rows.length - MOST_ROWS;
  return [
    `[${done}/${all}] ${passed} passed, ${failed} failed${estimate}`,
    ...(over > 0 ? [...rows.slice(0, MOST_ROWS - 1), ` and ${over + 1} more`] : rows),
  ].map((line) => line.slice(0, Math.max(1, columns - 1)));
}

/** Scenarios that run now, each with its stage or check, in one line. */
export function busyLine(state: RunState, now: number): string {
  return [...state.scenarios.values()]
    .map((scenario) => ({ scenario, attempt: lastAttempt(scenario) }))
    .filter(({ attempt }) => attempt.verdict === undefined)
    .map(
      ({ scenario, attempt }) =>
        `${printableLine(scenario.name)}: ${activityOf(attempt)} (${secondsSince(attempt, now)} s)`,
    )
    .join("; ");
}

/** @returns undefined where fewer than half of what is left are known from former runs */
function millisecondsLeft(
  state: RunState,
  now: number,
  { durations, jobs }: Forecast,
): number | undefined {
  let [known, unknown, sum] = [0, 0, 0];
  for (const name of state.started?.selected ?? []) {
    const scenario = state.scenarios.get(name);
    const attempt = scenario === undefined ? undefined : lastAttempt(scenario);
    if (attempt?.verdict !== undefined) continue;
    const expected = durations.get(scenarioName(name));
    if (expected === undefined) {
      unknown += 1;
      continue;
    }
    known += 1;
    sum += Math.max(0, expected - (attempt === undefined ? 0 : Math.max(0, now - attempt.t)));
  }
  if (known === 0 || unknown > known) return undefined;
  const all = sum * (1 + unknown / known);
  return all / Math.max(1, Math.min(jobs, known + unknown));
}

function roughly(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function secondsSince({ t }: AttemptState, now: number): number {
  return Math.max(0, Math.round((now - t) / 1_000));
}

function activityOf({ checks, stages }: AttemptState): string {
  const running = [...checks.values()].find(({ verdict }) => verdict === "running");
  if (running !== undefined) return running.id;
  const last = stages.at(-1);
  if (last === undefined) return "boot begins";
  return last.stage === "links" || !last.ok ? "between checks" : `boot, after ${last.stage}`;
}
