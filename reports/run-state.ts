import type { Diagnosis, Quote } from "./failure-details.ts";
import type {
  BootStage,
  Failure,
  RecordedEvent,
  RunEvent,
  TimelineEvent,
  Verdict,
} from "./events.ts";

/** A run as its events tell it: what every report is made from. */
export interface RunState {
  started: (EventOf<"run.started"> & { readonly t: number }) | undefined;
  readonly scenarios: Map<string, ScenarioState>;
  readonly notes: string[];
  /** Failures of the run itself. */
  readonly failures: OutsideFailure[];
  /** The engine's id of the image that was booted. */
  imageId: string | undefined;
  /** Set when the strict reference's pv-xconnect mediates in place of the image's own. */
  broker: "reference" | undefined;
  /** Milliseconds until engine, image and exports were ready. */
  preparedMs: number | undefined;
  finished: EventOf<"run.finished"> | undefined;
}

export interface ScenarioState {
  readonly name: string;
  readonly suite: string;
  readonly summary: string;
  readonly file: string;
  /** The last one gives the verdict; earlier ones failed and were tried again. */
  readonly attempts: AttemptState[];
}

export interface AttemptState {
  /** Milliseconds since the epoch. */
  readonly t: number;
  readonly checks: Map<string, CheckState>;
  readonly stages: StageState[];
  /** Scenarios that had used its appengine before. */
  after: readonly string[];
  readonly evidence: EvidenceState[];
  readonly notes: string[];
  verdict: Verdict | undefined;
  ms: number;
  evidenceMs: number;
  removalMs: number;
  /** Set when it failed outside its checks. */
  failure: Failure | undefined;
  /** Known causes of that, found in the evidence. */
  diagnoses?: readonly Diagnosis[];
  telling?: readonly Quote[];
  /** Everything that failed outside its checks. */
  readonly failures: OutsideFailure[];
}

/** A failure outside of any check. */
export interface OutsideFailure {
  /** Place of the failure, for example "tear-down". */
  readonly where: string;
  readonly failure: Failure;
}

export interface StageState {
  readonly stage: BootStage;
  readonly ms: number;
  readonly ok: boolean;
  readonly appengine: string;
  /** A check booted this appengine. */
  readonly inCheck: boolean;
}

export interface EvidenceState {
  readonly path: string;
  readonly what: string;
}

export interface CheckState {
  readonly id: string;
  readonly title: string;
  readonly promise?: string;
  readonly source?: string;
  /** Lines of the evidence that tell most about its failure. */
  telling?: readonly Quote[];
  /** `known`: it failed, as the baseline says; such a check counts as skipped. */
  verdict: Verdict | "known" | "waiting" | "running";
  ms: number;
  failure: Failure | undefined;
  reason: string | undefined;
  /** Message of the failure of a known check. */
  knownFailure: string | undefined;
}

type EventOf<T extends RunEvent["type"]> = Extract<RunEvent, { type: T }>;

export function emptyRun(): RunState {
  return {
    started: undefined,
    scenarios: new Map(),
    notes: [],
    failures: [],
    imageId: undefined,
    broker: undefined,
    preparedMs: undefined,
    finished: undefined,
  };
}

export function foldRun(events: Iterable<RecordedEvent>): RunState {
  const state = emptyRun();
  for (const event of events) apply(state, event);
  return state;
}

/** Add one event; events of scenarios that never started are ignored. */
export function apply(state: RunState, event: RecordedEvent): void {
  switch (event.type) {
    case "run.started":
      state.started = event;
      return;
    case "run.prepared":
      state.preparedMs = event.ms;
      state.imageId = event.imageId;
      state.broker = event.broker;
      if (state.started !== undefined) state.started = { ...state.started, image: event.image };
      return;
    case "failure":
      if (event.scenario === undefined) state.failures.push(event);
      else current(state, event.scenario)?.failures.push(event);
      return;
    case "run.finished":
      state.finished = event;
      return;
    case "scenario.started":
      startScenario(state, event);
      return;
    case "note":
      if (event.scenario === undefined) state.notes.push(event.text);
      else current(state, event.scenario)?.notes.push(event.text);
      return;
    case "log":
    case "control":
    case "container.changed":
    case "link.changed":
    case "graph":
    case "step":
      return;
    default:
      applyToAttempt(current(state, event.scenario), event, (check) =>
        isKnown(state, event.scenario, check),
      );
  }
}

/**
 * The scenarios in the order of their selection, in which reports tell of them: the order in which they
 * began depends on the machine.
 */
export function inOrder({ started, scenarios }: RunState): ScenarioState[] {
  const places = new Map(started?.selected.map((name, place) => [name, place]));
  const placeOf = ({ name }: ScenarioState): number => places.get(name) ?? places.size;
  return [...scenarios.values()].sort((a, b) => placeOf(a) - placeOf(b));
}

/** The attempt that gives the verdict. */
export function lastAttempt(scenario: ScenarioState): AttemptState {
  const last = scenario.attempts.at(-1);
  if (last === undefined) throw new RangeError(`scenario ${scenario.name} has no attempt`);
  return last;
}

/** Passed, but only after it had failed. */
export function isFlaky(scenario: ScenarioState): boolean {
  return scenario.attempts.length > 1 && lastAttempt(scenario).verdict === "passed";
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Checks by verdict, and what failed outside of any check as failed; a check that has no verdict
 * yet counts as skipped.
 */
export function countChecks(state: RunState): Counts {
  const counts = { passed: 0, failed: state.failures.length, skipped: 0 };
  for (const scenario of state.scenarios.values()) {
    const attempt = lastAttempt(scenario);
    counts.failed += untoldFailures(attempt).length;
    for (const check of attempt.checks.values()) {
      const { verdict } = check;
      if (verdict === "passed" || verdict === "failed") counts[verdict] += 1;
      else counts.skipped += 1;
    }
  }
  return counts;
}

/**
 * Failures outside of the checks that no check reports. A failed boot is not among them when it
 * is the failure of every check.
 */
export function untoldFailures({ checks, failure, failures }: AttemptState): OutsideFailure[] {
  const told = new Set([...checks.values()].map((check) => check.failure?.message));
  for (const one of failures) told.add(one.failure.message);
  const alone = failure === undefined || told.has(failure.message) ? [] : [failure];
  return [...failures, ...alone.map((one) => ({ where: placeOf(one), failure: one }))];
}

function placeOf({ code }: Failure): string {
  return code === "PVH_WATCH" ? "watcher" : "set-up";
}

/** All failures that a run has: those of last attempts, and its own. */
export function failuresOf(state: RunState): Failure[] {
  return [
    ...state.failures.map(({ failure }) => failure),
    ...[...state.scenarios.values()].flatMap((scenario) => {
      const { failure, failures, checks } = lastAttempt(scenario);
      return [
        failure,
        ...failures.map((one) => one.failure),
        ...[...checks.values()].map((check) => check.failure),
      ].filter((one) => one !== undefined);
    }),
  ];
}

function startScenario(state: RunState, event: EventOf<"scenario.started"> & { t: number }): void {
  const attempt: AttemptState = {
    t: event.t,
    checks: new Map(
      event.checks.map((planned) => [
        planned.id,
        {
          ...planned,
          verdict: "waiting",
          ms: 0,
          failure: undefined,
          reason: undefined,
          knownFailure: undefined,
        },
      ]),
    ),
    stages: [],
    after: [],
    evidence: [],
    notes: [],
    verdict: undefined,
    ms: 0,
    evidenceMs: 0,
    removalMs: 0,
    failure: undefined,
    failures: [],
  };
  const known = state.scenarios.get(event.scenario);
  if (known !== undefined) {
    known.attempts.push(attempt);
    return;
  }
  const { scenario: name, suite, summary, file } = event;
  state.scenarios.set(name, { name, suite, summary, file, attempts: [attempt] });
}

function current(state: RunState, scenario: string): AttemptState | undefined {
  return state.scenarios.get(scenario)?.attempts.at(-1);
}

function applyToAttempt(
  attempt: AttemptState | undefined,
  event: Exclude<
    Exclude<RunEvent, TimelineEvent>,
    {
      type:
        "run.started" | "run.prepared" | "run.finished" | "scenario.started" | "note" | "failure";
    }
  >,
  known: (check: string) => boolean,
): void {
  if (attempt === undefined) return;
  switch (event.type) {
    case "stage.finished":
      attempt.stages.push({ ...event, inCheck: isInCheck(attempt) });
      return;
    case "appengine.shared":
      attempt.after = event.after;
      return;
    case "evidence":
      attempt.evidence.push(event);
      return;
    case "watch.violated":
      attempt.notes.push(`watcher ${event.watcher}: ${event.says}`);
      return;
    case "diagnosis":
      addDiagnosis(attempt, event);
      return;
    case "scenario.finished":
      attempt.verdict = withoutKnown(attempt, event);
      attempt.ms = event.ms;
      attempt.evidenceMs = event.evidenceMs ?? 0;
      attempt.removalMs = event.removalMs ?? 0;
      attempt.failure =
        attempt.verdict === "failed" ? diagnosed(event.failure, attempt) : undefined;
      return;
    case "check.started": {
      const check = attempt.checks.get(event.check);
      if (check !== undefined) check.verdict = "running";
      return;
    }
    case "check.finished": {
      const check = attempt.checks.get(event.check);
      if (check === undefined) return;
      check.verdict = event.verdict;
      check.ms = event.ms;
      check.failure = event.failure;
      check.reason = event.reason;
      check.knownFailure = undefined;
      if (event.failure !== undefined && isOfProduct(event.failure) && known(event.check)) {
        check.verdict = "known";
        check.failure = undefined;
        check.reason = `known to fail: ${event.failure.message}`;
        check.knownFailure = event.failure.message;
      }
    }
  }
}

/** A failure outside of the checks, with the causes that the evidence has shown meanwhile. */
function diagnosed(failure: Failure | undefined, { diagnoses }: AttemptState): Failure | undefined {
  return failure === undefined || diagnoses === undefined ? failure : { ...failure, diagnoses };
}

function addDiagnosis(attempt: AttemptState, event: EventOf<"diagnosis">): void {
  const { check: id, diagnoses, telling } = event;
  const check = id === undefined ? attempt : attempt.checks.get(id);
  if (check === undefined) return;
  check.telling = telling;
  if (id === undefined) attempt.diagnoses = diagnoses;
  else if (check.failure !== undefined) check.failure = { ...check.failure, diagnoses };
}

/** The baseline of the run says that this check fails. */
function isKnown({ started }: RunState, scenario: string, check: string): boolean {
  const known = started?.baseline?.known ?? [];
  return known.includes(`${scenarioName(scenario)} ${check}`);
}

/** Name of the scenario of which this is one, or a repetition: `NAME~2`. */
export function scenarioName(recorded: string): string {
  return recorded.replace(/~\d+$/, "");
}

/** Number of checks that failed as the baseline says. */
export function countKnown({ scenarios }: RunState): number {
  const checks = [...scenarios.values()].flatMap((one) => [...lastAttempt(one).checks.values()]);
  return checks.filter(({ verdict }) => verdict === "known").length;
}

/** Checks that the baseline knows as failed, and that pass, as `SCENARIO CHECK`. */
export function unexpectedPasses(state: RunState): string[] {
  return [...state.scenarios.values()].flatMap((scenario) =>
    [...lastAttempt(scenario).checks.values()]
      .filter(({ id, verdict }) => verdict === "passed" && isKnown(state, scenario.name, id))
      .map(({ id }) => `${scenario.name} ${id}`),
  );
}

/** A known check may fail in another way, but only the product's or the scenario's. */
function isOfProduct({ class: of }: Failure): boolean {
  return of === "product" || of === "scenario";
}

/** Verdict of a scenario that failed by nothing but known checks: that of the others. */
function withoutKnown(
  { checks, failures }: AttemptState,
  { verdict, failure }: EventOf<"scenario.finished">,
): Verdict {
  const all = [...checks.values()];
  const known = all.filter((check) => check.verdict === "known");
  if (verdict !== "failed" || known.length === 0 || failures.length > 0) return verdict;
  if (all.some((check) => check.verdict === "failed")) return verdict;
  if (failure !== undefined && !known.some((check) => check.knownFailure === failure.message)) {
    return verdict;
  }
  return all.some((check) => check.verdict === "passed") ? "passed" : "skipped";
}

function isInCheck({ checks }: AttemptState): boolean {
  return [...checks.values()].some(({ verdict }) => verdict === "running");
}
