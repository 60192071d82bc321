import { after, ENDING } from "../ending.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";
import type { Failure } from "../../reports/events.ts";
import { lastAttempt } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import { toFailure } from "../failure.ts";
import type { RunRecord } from "./run-record.ts";
import { recordedName } from "./run-settings.ts";
import type { RunSettings } from "./run-settings.ts";
import { ScenarioJudge } from "./scenario-judge.ts";
import type { Selected } from "./selection.ts";
import { CANCELLED } from "./testimony.ts";
import type { VitestBridge } from "./vitest-bridge.ts";
import type { Patience } from "./worker-watch.ts";

export interface Rounds {
  readonly repeat: number;
  readonly retries: number;
  readonly patience: Patience;
  /** Reasons why scenarios cannot run, by name; their checks fail with them. */
  readonly unprepared: ReadonlyMap<string, Failure>;
  /** Scenarios of a repetition, in the order in which they are to begin. */
  readonly inOrder: (repetition: number) => readonly Selected<DiscoveredScenario>[];
}

/**
 * Run everything `repeat` times; try what failed up to `retries` times again. Afterwards every
 * scenario of every round that was begun has a verdict in the journal.
 *
 * @param bridge undefined when nothing can run
 */
export async function runRounds(
  bridge: VitestBridge | undefined,
  settings: RunSettings,
  { repeat, retries, patience, unprepared, inOrder }: Rounds,
  journal: RunRecord,
  stopped: AbortSignal,
): Promise<void> {
  for (const repetition of repetitions(repeat)) {
    let pending = inOrder(repetition);
    for (let attempt = 1; attempt <= retries + 1 && pending.length > 0; attempt += 1) {
      const round = { repetition, attempt };
      const judges = new Map(
        pending.map(({ scenario, checks }) => [
          scenario.name,
          judgeOf(scenario, checks, round, unprepared.get(scenario.name), stopped),
        ]),
      );
      // A repetition that was not begun before the run was cancelled is recorded all the same.
      if (bridge !== undefined && !stopped.aborted) {
        await runRound(bridge, judges, { ...settings, ...round }, patience, journal, stopped);
      }
      for (const judge of judges.values()) {
        const rest = judge.end({ kind: "never began" }, undefined, [], Date.now());
        for (const event of rest) journal.append(event);
      }
      if (stopped.aborted) break;
      pending = pending.filter(
        ({ scenario }) =>
          !unprepared.has(scenario.name) &&
          hasFailed(journal.state, recordedName(scenario.name, repetition)),
      );
    }
  }
}

export function repetitions(repeat: number): number[] {
  return Array.from({ length: repeat }, (_, index) => index + 1);
}

function judgeOf(
  scenario: DiscoveredScenario,
  checks: readonly string[],
  { repetition, attempt }: { readonly repetition: number; readonly attempt: number },
  unprepared: Failure | undefined,
  stopped: AbortSignal,
): ScenarioJudge {
  const planned = scenario.checks.filter(({ id }) => checks.includes(id));
  const { suite, summary, file } = scenario;
  return new ScenarioJudge(
    {
      scenario: recordedName(scenario.name, repetition),
      suite,
      summary,
      file,
      attempt,
      checks: planned.map(({ id, title }) => ({ id, title })),
      refused: new Map(
        planned.flatMap(({ id, problem = unprepared }): [string, Failure][] =>
          problem === undefined ? [] : [[id, problem]],
        ),
      ),
    },
    () => (stopped.aborted ? reasonOf(stopped) : undefined),
  );
}

async function runRound(
  bridge: VitestBridge,
  judges: ReadonlyMap<string, ScenarioJudge>,
  settings: RunSettings,
  patience: Patience,
  journal: RunRecord,
  stopped: AbortSignal,
): Promise<void> {
  const abandoned = after(stopped, ENDING.work);
  const running = new Map([...judges].filter(([, judge]) => judge.hasWork));
  const round = bridge
    .round({
      judges: running,
      settings,
      patience,
      publish: (events) => events.forEach((event) => journal.append(event)),
      stopped,
      abandoned,
    })
    .then((strays) => {
      for (const failure of strays) {
        // A scenario that is cut short may break in any way, so its errors are only notes.
        if (stopped.aborted) journal.append({ type: "note", text: failure.message });
        else journal.append({ type: "failure", where: "stray error", failure });
      }
    })
    .catch((error: unknown) => {
      journal.append({ type: "failure", where: "test framework", failure: toFailure(error) });
    });
  await Promise.race([round, fired(abandoned)]);
}

/** Waits until a signal that has not fired yet does. */
export function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function reasonOf(stopped: AbortSignal): string {
  const reason: unknown = stopped.reason;
  return typeof reason === "string" && reason.startsWith("stopped ") ? reason : CANCELLED;
}

function hasFailed({ scenarios }: RunState, name: string): boolean {
  const scenario = scenarios.get(name);
  return scenario !== undefined && lastAttempt(scenario).verdict === "failed";
}
