import { rmSync } from "node:fs";
import { hostname, loadavg, release } from "node:os";
import { join } from "node:path";
import { NATIVE } from "../../reports/events.ts";
import { exitCodeOf } from "../../reports/exit-code.ts";
import type { FlakyPolicy } from "../../reports/exit-code.ts";
import { cancelledBy } from "../../reports/merge.ts";
import { lastAttempt } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import type { BootMode } from "../appengine/appengine.ts";
import type { BootSource } from "../exports/boot-source.ts";
import { describeAbilities } from "../image/image-abilities.ts";
import { clock } from "../clock/clock.ts";
import { CORES } from "../clock/machine-reading.ts";
import type { Stopwatch } from "../clock/stopwatch.ts";
import { after, ENDING } from "../ending.ts";
import { factsOf } from "../engine/find-engine.ts";
import type { PvhError } from "../errors.ts";
import type { RunDirectory } from "./run-directory.ts";
import { endingSignal, EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { within } from "../within.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";
import { EVENTS_FILE } from "./event-log.ts";
import type {
  Baseline,
  Failure,
  Interruption,
  PlannedShard,
  RecordedEvent,
  RunEvent,
} from "../../reports/events.ts";
import { toFailure } from "../failure.ts";
import { formerDurations, keepDurations } from "./history.ts";
import { JOURNALS } from "./journal.ts";
import type { KeptVitest } from "./kept-vitest.ts";
import { preparationFailure } from "./prepare-run.ts";
import type { Prepared } from "./prepare-run.ts";
import { PROFILES } from "../catalogue/profiles.ts";
import type { Profile } from "../catalogue/profiles.ts";
import { RunRecord } from "./run-record.ts";
import { removeRun } from "./remove-run.ts";
import { fired, repetitions, runRounds } from "./run-rounds.ts";
import type { Rounds } from "./run-rounds.ts";
import { planScenario, recordedName } from "./run-settings.ts";
import type { Keep, RunSettings, WatchMode } from "./run-settings.ts";
import type { Selected } from "./selection.ts";
import { hearUncaught } from "./uncaught.ts";
import { writeReports } from "./write-reports.ts";
import { SHARES, VITEST, VitestBridge } from "./vitest-bridge.ts";
import { ordered } from "./scenario-order.ts";
import type { Order } from "./scenario-order.ts";
import { PATIENCE } from "./worker-watch.ts";
import type { Patience } from "./worker-watch.ts";

export interface RunOptions {
  /** The command line that asked for it, for the record. */
  readonly command: readonly string[];
  /** Image that `--image` names; undefined for the reference. */
  readonly image?: string;
  readonly profile: Profile;
  /** Quirks on top of the profile's. */
  readonly quirks: readonly string[];
  readonly boot?: BootMode;
  readonly keep: Keep;
  /** The appengines of failed scenarios stay until `pvh down`. */
  readonly keepAppengine?: boolean;
  /** Each scenario waits for a person after a failed check. */
  readonly pauseOnFailure?: boolean;
  /** As in RunSettings; default `fail` for the reference, `note` for an image of its own. */
  readonly watch?: WatchMode;
  readonly timeoutScale: number;
  /** As in RunSettings. */
  readonly ownTime?: boolean;
  readonly seed: number;
  /** Number of scenarios at a time. */
  readonly jobs: number;
  readonly order: Order;
  /** Number of times that everything runs; each is judged on its own. */
  readonly repeat: number;
  /** Further tries of a scenario that failed; a pass after one is flaky. */
  readonly retries: number;
  /** Number of failed scenarios at which the run stops. */
  readonly maxFailures: number;
  /** Verdict on a run with a flaky pass. */
  readonly flaky: FlakyPolicy;
  /** Checks that are known to fail. */
  readonly baseline?: Baseline;
  /** The part of a larger selection that this run is. */
  readonly shard?: PlannedShard;
  /** As in RunSettings. */
  readonly switchable?: readonly string[];
  /** As in RunSettings. Whoever gives it removes the appengines. */
  readonly held?: Readonly<Record<string, string>>;
  /** vitest that stays after the run. Whoever gives it closes it. */
  readonly kept?: KeptVitest;
  /** Time limits of the processes of scenarios, instead of the usual ones. */
  readonly patience?: Partial<Patience>;
}

export interface RunResult {
  readonly exitCode: ExitCode;
  readonly state: RunState;
  /** Reports that could not be written, with the reason. */
  readonly unwritten: readonly PvhError[];
}

/** Makes ready what scenarios boot from. */
export type Preparation = (signal: AbortSignal) => Promise<Prepared>;

/**
 * Run scenarios and leave a complete record: events.jsonl, junit.xml, summary.json, evidence.
 * Nothing that carries this run's label stays on the engine.
 *
 * Whatever goes wrong is a failure in the record, an error that nothing in pvh catches included:
 * this throws only for a record that cannot be begun.
 *
 * @param watching.signal cancels; its reason says why: a signal's name or "deadline"
 * @throws PvhError PVH_NO_SPACE
 */
export async function runScenarios(
  selected: readonly Selected<DiscoveredScenario>[],
  prepare: Preparation,
  directory: RunDirectory,
  options: RunOptions,
  watching: { readonly signal: AbortSignal; readonly onEvent: (event: RecordedEvent) => void },
): Promise<RunResult> {
  const begun = performance.now();
  const watch = clock.stopwatch();
  const broken = new AbortController();
  const signal = AbortSignal.any([watching.signal, broken.signal]);
  const removal = after(signal, ENDING.removal);
  const enough = new AbortController();
  const record = new RunRecord(join(directory.folder, EVENTS_FILE), (event) => {
    watching.onEvent(event);
    if (event.type !== "scenario.finished") return;
    if (failedScenarios(record.state, options.retries) >= options.maxFailures) {
      enough.abort(`stopped after ${options.maxFailures} failed scenarios`);
    }
  });
  let ended: RunResult | undefined;
  const end = (): RunResult =>
    (ended ??= endRun(record, directory, { begun, watch, signal, options }));
  const hearing = hearUncaught((error) => {
    if (broken.signal.aborted) return;
    broken.abort(BROKEN);
    record.append({ type: "failure", where: "pvh", failure: bugOf(error) });
  });
  const stopped = AbortSignal.any([signal, enough.signal]);
  const whole = async (): Promise<RunResult> => {
    const files = selected.map(({ scenario }) => scenario.path);
    const { kept, jobs } = options;
    const bridged = {
      folder: directory.folder,
      record: (event: RunEvent): void => record.append(event),
    };
    const opening =
      kept === undefined
        ? VitestBridge.open(files, join(directory.folder, VITEST), jobs, bridged)
        : kept.open(files, jobs, bridged);
    // It opens during the preparation, and is awaited after it.
    opening.catch(() => undefined);
    const prepared = await prepareRecorded(prepare, record, begun, signal);
    await runPrepared(selected, prepared, opening, directory, options, record, stopped).catch(
      (error: unknown) => {
        record.append({ type: "failure", where: "run", failure: toFailure(error) });
      },
    );
    if (!("failure" in prepared) && options.held === undefined) {
      const limit = signal.aborted ? removal : undefined;
      for (const engine of [prepared.engine, ...prepared.others]) {
        const left = await removeRun(engine, directory.run, record.state, limit);
        if (left !== undefined) record.append({ type: "note", text: left });
      }
    }
    const result = end();
    // The other shards have to be planned by what this one was planned by.
    if (options.shard === undefined) {
      await keepDurations(record.state, { areMutants: options.switchable !== undefined });
    }
    return result;
  };
  try {
    record.append(startOf(selected, directory, options));
    // A wait may be starved, or broken by the error: the result does not depend on it.
    return await Promise.race([whole(), fired(after(signal, ENDING.lastLook)).then(end)]);
  } finally {
    hearing[Symbol.dispose]();
  }
}

/** Reason of the checks that a run does not come to when something in pvh has failed. */
const BROKEN = "stopped by a bug of pvh";

/** Close the record, and write the reports from what it has come to. */
function endRun(
  record: RunRecord,
  directory: RunDirectory,
  { begun, watch, signal, options }: Ending,
): RunResult {
  const { state } = record;
  const interrupted = interruptionOf(signal);
  if (interrupted !== undefined) {
    const failure = cancelledBy(interrupted, state);
    record.append({ type: "failure", where: "cancelled", failure });
  }
  const exitCode = exitCodeOf(state, interrupted, options.flaky);
  const load = oneMinuteLoad();
  const share = Math.round(watch.share * 100) / 100;
  // Scenarios of this run wait for each other where there are more of them than CPUs.
  if (share < STARVED * Math.min(1, CORES / options.jobs)) {
    const gave = `the machine gave this run ${Math.round(share * 100)} % of its time`;
    record.append({ type: "note", text: `${gave} (load ${load} on ${CORES} cores)` });
  }
  record.append({
    type: "run.finished",
    ms: performance.now() - begun,
    exitCode,
    load,
    share,
    ...(interrupted !== undefined && { interrupted }),
  });
  const unwritten = [...record.close(), ...writeReports(state, directory)];
  // A missing report must not go unnoticed after a pass, but it is no failure of the product.
  const told = exitCode === EXIT.pass && unwritten.length > 0 ? EXIT.infra : exitCode;
  return { exitCode: told, state, unwritten };
}

interface Ending {
  readonly begun: number;
  readonly watch: Stopwatch;
  readonly signal: AbortSignal;
  readonly options: RunOptions;
}

/** An error that nothing in pvh catches is its bug, unless the machine or the user is to blame. */
function bugOf(error: unknown): Failure {
  const failure = toFailure(error);
  if (failure.class !== "product" && failure.class !== "scenario") return failure;
  return { ...failure, class: "harness", code: "PVH_INTERNAL" };
}

/** Share of its time below which a run says how little the machine gave it. */
const STARVED = 0.5;

function oneMinuteLoad(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

/** A preparation that failed is a failure of the run, and of every scenario in it. */
async function prepareRecorded(
  prepare: Preparation,
  record: RunRecord,
  begun: number,
  signal: AbortSignal,
): Promise<Prepared | { readonly failure: Failure }> {
  try {
    // One that is stuck must not hold up the reports.
    const prepared = await within(after(signal, ENDING.work), prepare(signal));
    const ms = performance.now() - begun;
    const { image, imageId, broker } = prepared;
    record.append({
      type: "run.prepared",
      ms,
      image,
      ...(imageId !== undefined && { imageId }),
      ...(broker === "reference" && { broker }),
    });
    const known = describeAbilities(prepared.abilities);
    if (known !== undefined) record.append({ type: "note", text: known });
    return prepared;
  } catch (error) {
    const failure = preparationFailure(error);
    if (!signal.aborted) record.append({ type: "failure", where: "preparation", failure });
    return { failure };
  }
}

async function runPrepared(
  selected: readonly Selected<DiscoveredScenario>[],
  prepared: Prepared | { readonly failure: Failure },
  opening: Promise<VitestBridge>,
  directory: RunDirectory,
  options: RunOptions,
  record: RunRecord,
  stopped: AbortSignal,
): Promise<void> {
  const isReady = !("failure" in prepared);
  const unprepared = isReady
    ? prepared.failures
    : new Map(
        // A preparation that was cancelled is no failure: the checks are skipped as cancelled.
        stopped.aborted ? [] : selected.map(({ scenario }) => [scenario.name, prepared.failure]),
      );
  const settings = settingsOf(selected, isReady ? prepared : undefined, directory, options);
  const bridge = isReady && !stopped.aborted ? await opening : undefined;
  const patience = scaled({ ...PATIENCE, ...options.patience }, options.timeoutScale);
  const { repeat, retries, order, held, switchable } = options;
  const known = order === "longest first" ? await formerDurations() : undefined;
  const former = {
    scenarios: (switchable === undefined ? known?.scenarios : known?.mutants) ?? new Map(),
  };
  const inOrder: Rounds["inOrder"] = (repetition) => ordered(selected, order, repetition, former);
  const shared =
    isReady && held === undefined && switchable === undefined && options.keepAppengine !== true
      ? prepared.shared
      : new Map<string, BootSource>();
  const rounds = { repeat, retries, patience, unprepared, inOrder, shared };
  await runRounds(bridge, settings, rounds, record, stopped);
  // A worker that did not stop in time would hold this up; it ends with the process.
  if (stopped.aborted) options.kept?.forget();
  else if (options.kept === undefined) await (await opening).close();
  for (const folder of [JOURNALS, SHARES, VITEST]) {
    rmSync(join(directory.folder, folder), { recursive: true, force: true });
  }
}

function scaled(patience: Patience, by: number): Patience {
  const { load, blocked, grace, setUp, between, exit } = patience;
  return {
    load: load * by,
    blocked: blocked * by,
    grace: grace * by,
    setUp: setUp * by,
    between: between * by,
    exit: exit * by,
  };
}

function startOf(
  selected: readonly Selected<DiscoveredScenario>[],
  { run }: RunDirectory,
  { command, image, profile, quirks, repeat, seed, baseline, shard }: RunOptions,
): RunEvent {
  return {
    type: "run.started",
    run,
    command,
    image: image ?? "the reference appengine",
    profile: image === undefined ? profile : NATIVE,
    quirks,
    selected: recordedNames(
      selected.map(({ scenario }) => scenario.name),
      repeat,
    ),
    seed,
    ...(baseline !== undefined && { baseline }),
    ...(shard !== undefined && {
      shard: { ...shard, whole: recordedNames(shard.whole, repeat) },
    }),
    host: {
      name: hostname(),
      kernel: release(),
      node: process.version,
      cores: CORES,
      load: oneMinuteLoad(),
    },
  };
}

function recordedNames(names: readonly string[], repeat: number): string[] {
  return repetitions(repeat).flatMap((repetition) =>
    names.map((name) => recordedName(name, repetition)),
  );
}

function settingsOf(
  selected: readonly Selected<DiscoveredScenario>[],
  prepared: Prepared | undefined,
  { run, folder }: RunDirectory,
  options: RunOptions,
): RunSettings {
  const { profile, quirks, boot, keep, timeoutScale, seed, held, switchable } = options;
  const { keepAppengine, pauseOnFailure, watch } = options;
  const scenarios = selected.map(({ scenario, checks }) => {
    const runnable = scenario.checks.filter(
      ({ id, problem }) => checks.includes(id) && problem === undefined,
    );
    const ids = runnable.map(({ id }) => id);
    return [scenario.name, planScenario(scenario, ids, prepared)] as const;
  });
  return {
    run,
    folder,
    ...(prepared !== undefined && {
      engine: factsOf(prepared.engine),
      otherEngines: prepared.others.map(factsOf),
    }),
    image: prepared?.bootImage ?? "",
    reference: prepared?.reference ?? false,
    ...(prepared?.broker === "reference" && { broker: prepared.broker }),
    abilities: prepared?.abilities ?? {},
    quirks: [...PROFILES[profile], ...quirks],
    ...(boot !== undefined && { boot }),
    keep,
    watch: watch ?? (prepared?.reference === true ? "fail" : "note"),
    ...(keepAppengine === true && { keepAppengine }),
    ...(pauseOnFailure === true && { pauseOnFailure }),
    timeoutScale,
    ...(options.ownTime === true && { ownTime: true }),
    seed,
    repetition: 1,
    attempt: 1,
    scenarios: Object.fromEntries(scenarios),
    ...(held !== undefined && { held }),
    ...(switchable !== undefined && { switchable }),
    journals: true,
    shares: {},
  };
}

/** A scenario that will be tried again has not failed yet. */
function failedScenarios({ scenarios }: RunState, retries: number): number {
  return [...scenarios.values()].filter(
    (scenario) =>
      scenario.attempts.filter(({ after }) => after.length === 0).length > retries &&
      lastAttempt(scenario).verdict === "failed",
  ).length;
}

function interruptionOf(signal: AbortSignal): Interruption | undefined {
  const reason: unknown = signal.reason;
  return reason === "deadline" ? reason : endingSignal(reason);
}
