import { EVENTS_VERSION } from "./events.ts";
import type { Failure, Interruption, RecordedEvent, RunEvent } from "./events.ts";
import { ERROR_CODES } from "./error-codes.ts";
import { EXIT } from "./exit-codes.ts";
import { exitCodeOf } from "./exit-code.ts";
import type { FlakyPolicy } from "./exit-code.ts";
import { apply, emptyRun, foldRun, isFlaky, lastAttempt } from "./run-state.ts";
import type { RunState } from "./run-state.ts";

type Started = Extract<RunEvent, { type: "run.started" }>;
type Finished = Extract<RunEvent, { type: "run.finished" }>;

/** Runs that are parts of one cannot be put together. */
export class NotOneRun extends Error {
  override readonly name = "NotOneRun";
}

/** Where a check has no verdict because the record of its run ends early. */
const CUT = "the record of its run ends before its verdict";

/**
 * The record that one run would have left, from those of its parts: the events of each scenario together,
 * in the order of the whole selection. A part that was cancelled cancels the whole. A part that is missing,
 * or whose record ends early, is a failure of the run.
 *
 * @param records of the parts, in any order
 * @param run name of the whole
 * @throws NotOneRun for parts of different runs, and for two of the same
 */
export function mergeRuns(
  records: readonly (readonly RecordedEvent[])[],
  run: string,
  now: number,
): RecordedEvent[] {
  const parts = records.map(partOf);
  const [first] = parts;
  if (first === undefined) throw new NotOneRun("there is no run");
  for (const part of parts) refuseOther(first, part);
  refuseTwice(parts);
  const state = emptyRun();
  const merged: RecordedEvent[] = [];
  const add = (event: RunEvent, t = now): void => {
    const recorded: RecordedEvent = { v: EVENTS_VERSION, t, ...event };
    apply(state, recorded);
    merged.push(recorded);
  };
  const selected = wholeOf(parts);
  add(
    {
      ...withoutShard(first.started),
      run,
      selected,
      command: first.started.command.filter((word) => !word.startsWith("--shard=")),
    },
    Math.min(...parts.map(({ t }) => t)),
  );
  const prepared = parts.flatMap(({ events }) =>
    events.filter((event) => event.type === "run.prepared"),
  );
  const slowest = prepared.toSorted((a, b) => b.ms - a.ms)[0];
  if (slowest !== undefined) add(slowest, slowest.t);
  for (const name of selected) {
    for (const part of parts)
      for (const event of part.scenarios.get(name) ?? []) add(event, event.t);
  }
  for (const { events } of parts) {
    for (const event of events) if (isOfRun(event) && !isTold(state, event)) add(event, event.t);
  }
  for (const failure of missing(parts, selected)) add({ type: "failure", where: "run", failure });
  const interrupted = parts.flatMap(({ finished }) => finished?.interrupted ?? [])[0];
  if (interrupted !== undefined) {
    add({ type: "failure", where: "cancelled", failure: cancelledBy(interrupted, state) });
  }
  add({
    type: "run.finished",
    ms: Math.max(0, ...parts.map(({ finished }) => finished?.ms ?? 0)),
    exitCode: exitCodeOf(state, interrupted, flakyPolicy(parts)),
    ...(interrupted !== undefined && { interrupted }),
  });
  return merged;
}

function withoutShard({ shard: _, ...started }: Started): Started {
  return started;
}

interface Part {
  readonly started: Started;
  readonly t: number;
  readonly events: readonly RecordedEvent[];
  readonly finished: Finished | undefined;
  /** Events of each scenario, closed where the record ends early. */
  readonly scenarios: ReadonlyMap<string, readonly RecordedEvent[]>;
  readonly state: RunState;
}

function partOf(events: readonly RecordedEvent[]): Part {
  const started = events.find((event) => event.type === "run.started");
  if (started === undefined) throw new NotOneRun("a record does not begin with run.started");
  const scenarios = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    if (!("scenario" in event)) continue;
    const own = scenarios.get(event.scenario) ?? [];
    scenarios.set(event.scenario, own);
    own.push(event);
  }
  for (const [name, own] of scenarios) own.push(...closing(name, own));
  return {
    started,
    t: started.t,
    events,
    finished: events.find((event) => event.type === "run.finished"),
    scenarios,
    state: foldRun(events),
  };
}

/** Verdicts of a scenario whose record ends before its end. */
function closing(scenario: string, events: readonly RecordedEvent[]): RecordedEvent[] {
  const begun = events.findLast((event) => event.type === "scenario.started");
  if (begun === undefined) return [];
  const rest = events.slice(events.indexOf(begun));
  if (rest.some((event) => event.type === "scenario.finished")) return [];
  const t = events.at(-1)?.t ?? begun.t;
  const judged = new Set(
    rest.flatMap((event) => (event.type === "check.finished" ? [event.check] : [])),
  );
  const failure: Failure = { class: "infra", code: "PVH_WORKER", message: CUT };
  const v = EVENTS_VERSION;
  const checks = begun.checks
    .filter(({ id }) => !judged.has(id))
    .map(({ id: check, title }): RecordedEvent => {
      const verdict = "failed";
      return { v, t, type: "check.finished", scenario, check, title, verdict, ms: 0, failure };
    });
  const ms = t - begun.t;
  return [...checks, { v, t, type: "scenario.finished", scenario, verdict: "failed", ms, failure }];
}

/** Parts differ in what they run, and in nothing else. */
function refuseOther({ started: a, state }: Part, { started: b, state: other }: Part): void {
  const of = (one: Started): Readonly<Record<string, unknown>> => ({
    image: one.image,
    profile: one.profile,
    quirks: one.quirks,
    seed: one.seed,
    baseline: one.baseline,
    "number of shards": one.shard?.count,
    selection: one.shard?.whole,
  });
  const others = Object.entries(of(b));
  const different = Object.entries(of(a)).find(
    ([key, value]) =>
      JSON.stringify(value) !== JSON.stringify(others.find(([name]) => name === key)?.[1]),
  );
  if (different !== undefined) {
    throw new NotOneRun(
      `${a.run} and ${b.run} are of different runs: they differ in ${different[0]}`,
    );
  }
  if (state.imageId === other.imageId || state.imageId === undefined) return;
  if (other.imageId === undefined) return;
  throw new NotOneRun(
    `${a.run} and ${b.run} judged different images: ${state.imageId} and ${other.imageId}`,
  );
}

function refuseTwice(parts: readonly Part[]): void {
  const seen = new Map<string, string>();
  for (const { started, scenarios } of parts) {
    for (const name of scenarios.keys()) {
      const other = seen.get(name);
      if (other !== undefined) {
        throw new NotOneRun(`${name} ran in ${other} and in ${started.run}`);
      }
      seen.set(name, started.run);
    }
  }
}

/** Names of all scenarios: those of the whole selection in its order, else those of the parts. */
function wholeOf(parts: readonly Part[]): string[] {
  const names = [
    ...(parts[0]?.started.shard?.whole ?? []),
    ...parts.flatMap(({ started }) => started.selected),
    ...parts.flatMap(({ scenarios }) => [...scenarios.keys()]),
  ];
  return [...new Set(names)];
}

/** Notes and failures of a run, besides that of its cancellation. */
function isOfRun(event: RecordedEvent): event is RecordedEvent & { type: "note" | "failure" } {
  if (event.type !== "note" && event.type !== "failure") return false;
  return event.scenario === undefined && !(event.type === "failure" && event.where === "cancelled");
}

/** Another part has told the same. */
function isTold(state: RunState, event: RecordedEvent & { type: "note" | "failure" }): boolean {
  if (event.type === "note") return state.notes.includes(event.text);
  return state.failures.some(({ failure }) => failure.message === event.failure.message);
}

function missing(parts: readonly Part[], selected: readonly string[]): Failure[] {
  const failures: Failure[] = [];
  const fail = (message: string): void => {
    const hint = "look at the log of its job, and run that again";
    failures.push({ class: "infra", code: "PVH_WORKER", message, hint });
  };
  for (const { started, finished } of parts) {
    if (finished === undefined) fail(`the record of ${nameOf(started)} ends early`);
  }
  const count = parts[0]?.started.shard?.count ?? parts.length;
  const there = parts.map(({ started }) => started.shard?.index);
  for (let index = 1; index <= count; index += 1) {
    if (parts[0]?.started.shard !== undefined && !there.includes(index)) {
      fail(`shard ${index}/${count} has no record`);
    }
  }
  const begun = new Set(parts.flatMap(({ scenarios }) => [...scenarios.keys()]));
  const never = selected.filter((name) => !begun.has(name));
  if (never.length > 0) fail(`no run has judged ${never.join(", ")}`);
  return failures;
}

function nameOf({ run, shard }: Started): string {
  return shard === undefined ? run : `shard ${shard.index}/${shard.count}`;
}

/** A part with a flaky pass tells by its own exit code what the command line made of that. */
function flakyPolicy(parts: readonly Part[]): FlakyPolicy {
  const lenient = parts.some(
    ({ state, finished }) =>
      finished?.exitCode === EXIT.pass && [...state.scenarios.values()].some(isFlaky),
  );
  return lenient ? "pass" : "fail";
}

/** The failure of a run that was cancelled. */
export function cancelledBy(interrupted: Interruption, state: RunState): Failure {
  const undone = [...state.scenarios.values()].flatMap((scenario) =>
    [...lastAttempt(scenario).checks.values()].filter(({ verdict }) => verdict === "skipped"),
  ).length;
  const isLate = interrupted === "deadline";
  const by = isLate ? "the deadline of the run passed" : interrupted;
  const message = `the run was cancelled: ${by}; ${undone} checks have no verdict`;
  const code = isLate ? "PVH_DEADLINE" : "PVH_ABORTED";
  return { class: ERROR_CODES[code].class, code, message };
}
