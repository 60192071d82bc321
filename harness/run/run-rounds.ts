import { after, ENDING } from "../ending.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";
import type { Failure } from "../../reports/events.ts";
import type { AttemptState } from "../../reports/run-state.ts";
import type { BootSource } from "../exports/boot-source.ts";
import { promiseOf } from "../catalogue/catalogue.ts";
import { toFailure } from "../failure.ts";
import type { RunRecord } from "./run-record.ts";
import { recordedName } from "./run-settings.ts";
import type { RunSettings } from "./run-settings.ts";
import { ScenarioJudge } from "./scenario-judge.ts";
import type { SharedAttempt } from "./scenario-judge.ts";
import type { Selected } from "./selection.ts";
import { CANCELLED } from "./testimony.ts";
import { toVariant } from "./variants.ts";
import { unitsOf } from "./units.ts";
import type { Unit } from "./units.ts";
import type { VitestBridge } from "./vitest-bridge.ts";
import type { Patience } from "./worker-watch.ts";

export interface Rounds {
  readonly repeat: number;
  readonly retries: number;
  readonly patience: Patience;
  /** Reasons why scenarios cannot run, by name; their checks fail with them. */
  readonly unprepared: ReadonlyMap<string, Failure>;
  /** Scenarios of a repetition, in the order in which they are to begin. */
  /** Boot source of each share, by name; scenarios of others have an appengine each. */
  readonly shared: ReadonlyMap<string, BootSource>;
  readonly inOrder: (repetition: number) => readonly Selected<DiscoveredScenario>[];
}

/**
 * Run everything `repeat` times; try what failed up to `retries` times again. What failed on an
 * appengine that other scenarios had used is repeated on one of its own before that. Afterwards every
 * scenario of every round that was begun has a verdict in the journal.
 *
 * @param bridge undefined when nothing can run
 */
export async function runRounds(
  bridge: Pick<VitestBridge, "round"> | undefined,
  settings: RunSettings,
  rounds: Rounds,
  journal: RunRecord,
  stopped: AbortSignal,
): Promise<void> {
  const { repeat, retries, patience, unprepared, inOrder, shared } = rounds;
  type Pending = readonly Selected<DiscoveredScenario>[];
  for (const repetition of repetitions(repeat)) {
    const attemptOf = (name: string): AttemptState | undefined =>
      journal.state.scenarios.get(recordedName(name, repetition))?.attempts.at(-1);
    const hasFailed = ({ scenario: { name } }: Selected<DiscoveredScenario>): boolean =>
      !unprepared.has(name) && attemptOf(name)?.verdict === "failed";
    /** @returns scenarios that have no verdict, because their process did not come to them */
    const run = async (pending: Pending, attempt: number, isShared: boolean): Promise<Pending> => {
      if (pending.length === 0) return [];
      const judges = new Map(
        pending.map(({ scenario, checks }) => {
          const before = attempt === 1 ? undefined : attemptOf(scenario.name);
          const round = { repetition, attempt, shared: sharedAttempt(before) };
          const problem = unprepared.get(scenario.name);
          return [scenario.name, judgeOf(scenario, checks, round, problem, stopped)] as const;
        }),
      );
      const shareOf = ({ shares }: DiscoveredScenario): string | undefined =>
        isShared && shares !== undefined && shared.has(shares) ? shares : undefined;
      const shares = new Map(pending.map(({ scenario }) => [scenario.name, shareOf(scenario)]));
      const names = [...judges].flatMap(([name, judge]) => (judge.hasWork ? [name] : []));
      const units = unitsOf(names, (name) => shares.get(name));
      // A repetition that was not begun before the run was cancelled is recorded all the same.
      if (bridge !== undefined && !stopped.aborted) {
        const planned = { ...settings, repetition, attempt, shares: plannedShares(units, shared) };
        await runRound(bridge, units, judges, planned, patience, journal, stopped);
      }
      const isLeft = (name: string): boolean =>
        !stopped.aborted &&
        units.some(({ share, scenarios }) => share !== undefined && scenarios.includes(name));
      const left = pending.filter(({ scenario: { name } }) => {
        const judge = judges.get(name);
        return judge?.isOver === false && isLeft(name);
      });
      for (const [name, judge] of judges) {
        if (left.some(({ scenario }) => scenario.name === name)) continue;
        const rest = judge.end({ kind: "never began" }, undefined, [], Date.now());
        for (const event of rest) journal.append(event);
      }
      return left;
    };
    const all = inOrder(repetition);
    const left = await run(all, 1, true);
    await run(left, 1, false);
    const isRepeated = ({ scenario: { name } }: Selected<DiscoveredScenario>): boolean =>
      (attemptOf(name)?.after.length ?? 0) > 0;
    const repeated = stopped.aborted ? [] : all.filter((one) => hasFailed(one) && isRepeated(one));
    await run(repeated, 2, false);
    for (let retry = 1; retry <= retries && !stopped.aborted; retry += 1) {
      const failed = all.filter(hasFailed);
      const isSecond = (one: Selected<DiscoveredScenario>): boolean => repeated.includes(one);
      await run(
        failed.filter((one) => !isSecond(one)),
        retry + 1,
        false,
      );
      await run(failed.filter(isSecond), retry + 2, false);
    }
  }
}

/** Failures of the attempt before, for which nothing but the scenario or the product can be blamed. */
function sharedAttempt(before: AttemptState | undefined): SharedAttempt | undefined {
  if (before === undefined || before.after.length === 0) return undefined;
  const failures = [...before.checks.values()].flatMap(({ id, failure }): [string, Failure][] =>
    failure?.class === "product" || failure?.class === "scenario" ? [[id, failure]] : [],
  );
  return { after: before.after, failures: new Map(failures) };
}

function plannedShares(
  units: readonly Unit[],
  sources: ReadonlyMap<string, BootSource>,
): RunSettings["shares"] {
  return Object.fromEntries(
    units.flatMap(({ share, scenarios }) => {
      const source = share === undefined ? undefined : sources.get(share);
      return share === undefined || source === undefined ? [] : [[share, { scenarios, source }]];
    }),
  );
}

export function repetitions(repeat: number): number[] {
  return Array.from({ length: repeat }, (_, index) => index + 1);
}

function judgeOf(
  scenario: DiscoveredScenario,
  checks: readonly string[],
  {
    repetition,
    attempt,
    shared,
  }: {
    readonly repetition: number;
    readonly attempt: number;
    readonly shared: SharedAttempt | undefined;
  },
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
      ...(shared !== undefined && { shared }),
      checks: planned.map(({ id, title }) => ({ id, title, ...promiseOf(toVariant(id).check) })),
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
  bridge: Pick<VitestBridge, "round">,
  units: readonly Unit[],
  judges: ReadonlyMap<string, ScenarioJudge>,
  settings: RunSettings,
  patience: Patience,
  journal: RunRecord,
  stopped: AbortSignal,
): Promise<void> {
  const abandoned = after(stopped, ENDING.work);
  const round = bridge
    .round({
      units,
      judges,
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
