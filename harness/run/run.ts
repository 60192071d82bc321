import { writeFileSync } from "node:fs";
import { hostname, loadavg, release } from "node:os";
import { join } from "node:path";
import { exitCodeOf } from "../../reports/exit-code.ts";
import { junitReport } from "../../reports/junit.ts";
import { foldRun } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import { summarise } from "../../reports/summary.ts";
import type { BootMode } from "../appengine/appengine.ts";
import { reap } from "../engine/reaper.ts";
import { clock } from "../clock/clock.ts";
import { CORES } from "../clock/machine-reading.ts";
import { PvhError } from "../errors.ts";
import type { RunDirectory } from "../evidence/run-directory.ts";
import type { ExitCode } from "../exit-codes.ts";
import { within } from "../within.ts";
import { machineError } from "../machine-error.ts";
import type { DiscoveredScenario } from "./discover.ts";
import { followEvents } from "./event-follower.ts";
import { EventLog, EVENTS_FILE } from "./event-log.ts";
import type { RecordedEvent, RunEvent } from "./events.ts";
import type { Prepared } from "./prepare-run.ts";
import { PROFILES } from "./profiles.ts";
import type { Profile } from "./profiles.ts";
import { repetitions, runRounds } from "./run-rounds.ts";
import type { Journal } from "./run-rounds.ts";
import { planScenario, recordedName } from "./run-settings.ts";
import type { Keep, RunSettings } from "./run-settings.ts";
import type { Selected } from "./selection.ts";
import { VitestBridge } from "./vitest-bridge.ts";

export interface RunOptions {
  /** The command line that asked for it, for the record. */
  readonly command: readonly string[];
  readonly profile: Profile;
  /** On top of the profile's. */
  readonly quirks: readonly string[];
  readonly boot?: BootMode;
  readonly keep: Keep;
  readonly timeoutScale: number;
  readonly seed: number;
  /** Scenarios at a time. */
  readonly jobs: number;
  /** Times that everything runs; each is judged on its own. */
  readonly repeat: number;
  /** Further tries of a scenario that failed; a pass after one is flaky. */
  readonly retries: number;
  /** Stop when so many scenarios have failed. */
  readonly maxFailures: number;
}

export interface RunResult {
  readonly exitCode: ExitCode;
  readonly state: RunState;
  /** Why a report could not be written. */
  readonly unwritten: PvhError | undefined;
}

/**
 * Run scenarios and leave a complete record: events.jsonl, junit.xml, summary.json, evidence.
 * Nothing that carries this run's label stays on the engine.
 *
 * @param watching.signal cancels; its reason is "SIGINT" or "SIGTERM" when a signal did
 * @throws PvhError PVH_NO_SPACE when the record cannot be written
 */
export async function runScenarios(
  selected: readonly Selected<DiscoveredScenario>[],
  prepared: Prepared,
  directory: RunDirectory,
  options: RunOptions,
  watching: { readonly signal: AbortSignal; readonly onEvent: (event: RecordedEvent) => void },
): Promise<RunResult> {
  const { signal } = watching;
  const begun = performance.now();
  const watch = clock.stopwatch();
  const events: RecordedEvent[] = [];
  const enough = new AbortController();
  const path = join(directory.folder, EVENTS_FILE);
  const log = new EventLog(path);
  const follower = followEvents(path, (event) => {
    events.push(event);
    watching.onEvent(event);
    if (failedScenarios(events, options.retries) >= options.maxFailures) {
      enough.abort(`stopped after ${options.maxFailures} failed scenarios`);
    }
  });
  const journal: Journal = {
    append: (event) => log.append(event),
    events: () => {
      follower.drain();
      return events;
    },
  };
  const cleanUp = () => {
    // An engine that answers nothing must not hold the end up: after Ctrl+C that is 10 s away.
    const limit = AbortSignal.timeout(signal.aborted ? 3_000 : 60_000);
    const removal = reap(prepared.engine, { kind: "run", run: directory.run });
    return within(limit, removal, takesTooLong);
  };
  try {
    journal.append(startOf(selected, prepared, directory, options));
    const settings = settingsOf(selected, prepared, directory, options);
    const bridge = await VitestBridge.open(settings, options.jobs, journal.append);
    const stopped = AbortSignal.any([signal, enough.signal]);
    await runRounds(bridge, selected, settings, options, journal, stopped);
    // A worker that did not stop in time would hold this up; it ends with the process.
    if (!signal.aborted) await bridge.close();
  } catch (error) {
    await cleanUp().catch(() => undefined);
    throw error;
  }
  await cleanUp().catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    journal.append({ type: "note", text: `clean-up: ${why}` });
  });
  const interrupted = signalName(signal);
  const exitCode = exitCodeOf(foldRun(journal.events()), interrupted);
  const load = oneMinuteLoad();
  const share = Math.round(watch.share * 100) / 100;
  if (share < STARVED) {
    const gave = `the machine gave this run ${Math.round(share * 100)} % of its time`;
    journal.append({ type: "note", text: `${gave} (load ${load} on ${CORES} cores)` });
  }
  journal.append({
    type: "run.finished",
    ms: performance.now() - begun,
    exitCode,
    load,
    share,
    ...(interrupted !== undefined && { interrupted }),
  });
  const state = foldRun(journal.events());
  follower.stop();
  log.close();
  return { exitCode, state, unwritten: writeReports(state, directory) };
}

/** Below this share of its time, a run says how little it was given. */
const STARVED = 0.5;

function oneMinuteLoad(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

const takesTooLong = () =>
  new PvhError("PVH_ENGINE", "the engine takes too long; the next pvh removes what is left");

function writeReports(state: RunState, { folder, shown }: RunDirectory): PvhError | undefined {
  try {
    writeFileSync(join(folder, "junit.xml"), junitReport(state, shown));
    writeFileSync(join(folder, "summary.json"), `${JSON.stringify(summarise(state), null, 2)}\n`);
    return undefined;
  } catch (error) {
    const refused = machineError(error);
    if (refused === undefined) throw error;
    return refused;
  }
}

function startOf(
  selected: readonly Selected<DiscoveredScenario>[],
  { image }: Prepared,
  { run }: RunDirectory,
  { command, profile, quirks, repeat, seed }: RunOptions,
): RunEvent {
  return {
    type: "run.started",
    run,
    command,
    image,
    profile,
    quirks,
    selected: repetitions(repeat).flatMap((repetition) =>
      selected.map(({ scenario }) => recordedName(scenario.name, repetition)),
    ),
    seed,
    host: {
      name: hostname(),
      kernel: release(),
      node: process.version,
      cores: CORES,
      load: oneMinuteLoad(),
    },
  };
}

function settingsOf(
  selected: readonly Selected<DiscoveredScenario>[],
  { image, reference, exports }: Prepared,
  { run, folder }: RunDirectory,
  { profile, quirks, boot, keep, timeoutScale, seed }: RunOptions,
): RunSettings {
  const scenarios = selected.map(
    ({ scenario, checks }) =>
      [scenario.name, planScenario(scenario, checks, exports.get(scenario.name))] as const,
  );
  return {
    run,
    folder,
    image,
    reference,
    quirks: [...PROFILES[profile], ...quirks],
    ...(boot !== undefined && { boot }),
    keep,
    timeoutScale,
    seed,
    repetition: 1,
    attempt: 1,
    scenarios: Object.fromEntries(scenarios),
  };
}

/** A scenario that will be tried again has not failed yet. */
function failedScenarios(events: readonly RecordedEvent[], retries: number): number {
  const attempts = new Map<string, number>();
  let failed = 0;
  for (const event of events) {
    if (event.type === "scenario.started") attempts.set(event.scenario, event.attempt);
    if (event.type !== "scenario.finished" || event.verdict !== "failed") continue;
    if ((attempts.get(event.scenario) ?? 1) > retries) failed += 1;
  }
  return failed;
}

function signalName(signal: AbortSignal): "SIGINT" | "SIGTERM" | undefined {
  const reason: unknown = signal.reason;
  return reason === "SIGINT" || reason === "SIGTERM" ? reason : undefined;
}
