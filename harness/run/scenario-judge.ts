import { failureOf } from "../failure.ts";
import { EVENTS_VERSION } from "../../reports/events.ts";
import type {
  Failure,
  PlannedCheck,
  RecordedEvent,
  TimelineEvent,
  Verdict,
} from "../../reports/events.ts";
import { CANCELLED } from "./testimony.ts";
import type { RecordedTestimony } from "./testimony.ts";

/** A scenario as the run plans it. */
export interface JudgedPlan {
  /** Name of the scenario in the record. */
  readonly scenario: string;
  readonly suite: string;
  readonly summary: string;
  readonly file: string;
  readonly attempt: number;
  readonly checks: readonly PlannedCheck[];
  /** Checks that cannot run, with the reason; the others run. */
  readonly refused?: ReadonlyMap<string, Failure>;
  /** Its attempt on an appengine that others had used; present where this one repeats it. */
  readonly shared?: SharedAttempt;
}

/** An attempt that failed on an appengine that others had used. */
export interface SharedAttempt {
  readonly after: readonly string[];
  /** Failures of the product's or the scenario's, by check. */
  readonly failures: ReadonlyMap<string, Failure>;
}

/** vitest's results as the parent has them; a process that died may have kept some. */
export interface FrameworkView {
  readonly checks: ReadonlyMap<
    string,
    { readonly state: Verdict | "pending"; readonly failures: readonly Failure[] }
  >;
  /** Errors of the file, of its hooks, and of tests that are no checks. */
  readonly outside: readonly Failure[];
}

/** End of the process of a scenario. */
export type ScenarioEnd =
  | { readonly kind: "ended" }
  /** The process ended by itself before it had reported everything. */
  | { readonly kind: "died"; readonly how: string; readonly fromOutside: boolean }
  /** The watchdog ended it; `failure` says why. */
  | { readonly kind: "overdue"; readonly failure: Failure }
  | { readonly kind: "never began"; readonly failure?: Failure };

type FrameworkResult = { readonly state: Verdict; readonly failures: readonly Failure[] };

interface Heard {
  started: boolean;
  /** Verdict of the process on the check; a failure is never taken back. */
  said: Extract<RecordedTestimony, { type: "check.finished" }> | undefined;
  framework: FrameworkResult | undefined;
  published: Verdict | undefined;
}

type Outside = { readonly where: string; readonly failure: Failure };

/**
 * Decides the verdicts of one scenario, from what its process says in its journal and from the
 * results of vitest as the second witness. A check is passed when both say so, skipped when both
 * say so and there is a reason for it, and failed in every other case: also when something is
 * missing, comes twice, or cannot be understood.
 *
 * Pure: it is told everything, and gives the events that go into the record.
 */
export class ScenarioJudge {
  readonly plan: JudgedPlan;
  readonly #checks: ReadonlyMap<string, Heard>;
  readonly #strays = new Map<number, Outside>();
  #begun: number | undefined;
  #running: string | undefined;
  #ended: Extract<RecordedTestimony, { type: "scenario.finished" }> | undefined;
  readonly #cancelled: () => string | undefined;
  /** A check of it was skipped because the run was cut short. */
  #isCut = false;
  #over = false;

  /** @param cancelled why the run was cut short, undefined when it was not */
  constructor(plan: JudgedPlan, cancelled: () => string | undefined) {
    this.plan = plan;
    this.#cancelled = cancelled;
    this.#checks = new Map(
      plan.checks.map(({ id }) => [
        id,
        { started: false, said: undefined, framework: undefined, published: undefined },
      ]),
    );
  }

  /** A check of it is to run. */
  get hasWork(): boolean {
    return this.plan.checks.some(({ id }) => this.plan.refused?.has(id) !== true);
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Its process has said something of it. */
  get hasBegun(): boolean {
    return this.#begun !== undefined;
  }

  /** Its process has said that it is done with it. */
  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** @returns what of it goes into the record now */
  hear(testimony: RecordedTestimony): RecordedEvent[] {
    if (this.#over || testimony.scenario !== this.plan.scenario) return [];
    const events = this.#eventsOf(testimony);
    return events.length === 0 ? [] : [...this.#begin(testimony.t), ...events];
  }

  #eventsOf(testimony: RecordedTestimony): RecordedEvent[] {
    switch (testimony.type) {
      case "scenario.started":
        return this.#begin(testimony.t);
      case "check.started": {
        const check = this.#checks.get(testimony.check);
        if (check === undefined) return [];
        // Out of order: its end must not be taken back.
        if (check.said !== undefined) return [];
        check.started = true;
        this.#running = testimony.check;
        return [eventOf(testimony)];
      }
      case "check.finished": {
        const check = this.#checks.get(testimony.check);
        if (check === undefined) return [];
        // A check that failed once has failed, however often it runs in one attempt.
        if (check.said?.verdict !== "failed") check.said = testimony;
        return check.said.verdict === "failed" ? this.#publish(testimony.check, testimony.t) : [];
      }
      case "framework.finished": {
        const check = this.#checks.get(testimony.check);
        if (check === undefined) return [];
        if (this.#running === testimony.check) this.#running = undefined;
        if (check.framework?.state !== "failed") check.framework = testimony;
        return check.said === undefined ? [] : this.#publish(testimony.check, testimony.t);
      }
      case "stray": {
        const during = testimony.check === undefined ? "" : `, while ${testimony.check} ran`;
        const { failure } = testimony;
        const message = `uncaught error${during}: ${failure.message}`;
        this.#strays.set(testimony.stray, {
          where: "stray error",
          failure: { ...failure, message },
        });
        return [];
      }
      case "stray.handled":
        this.#strays.delete(testimony.stray);
        return [];
      case "scenario.finished":
        this.#ended = testimony;
        return [];
      case "log":
      case "control":
      case "container.changed":
      case "link.changed":
      case "graph":
      case "step":
      case "note":
      case "evidence":
      case "diagnosis":
      case "watch.violated":
      case "stage.finished":
      case "appengine.shared":
        return [eventOf(testimony)];
    }
  }

  /**
   * Give everything a verdict.
   *
   * @param strays errors that vitest found in this scenario's file, and a damage of its journal
   */
  end(
    how: ScenarioEnd,
    framework: FrameworkView | undefined,
    strays: readonly Failure[],
    now: number,
  ): RecordedEvent[] {
    if (this.#over) return [];
    const events = this.#begin(now);
    const cancelled = this.#cancelled();
    for (const [id, failure] of this.plan.refused ?? []) {
      events.push(this.#finished(id, now, { failure }));
    }
    const awaited = [...this.#checks].filter(([id]) => this.plan.refused?.has(id) !== true);
    for (const [id, check] of awaited) {
      const seen = framework?.checks.get(id);
      if (seen !== undefined && seen.state !== "pending") {
        check.framework ??= { ...seen, state: seen.state };
      }
    }
    const cut = how.kind === "died" || how.kind === "overdue";
    const silent = awaited.filter(
      ([, { said, framework: result }]) =>
        said === undefined || (cut && said.verdict !== "failed" && result === undefined),
    );
    for (const [id, check] of awaited) {
      const seen = framework?.checks.get(id);
      if (silent.some(([one]) => one === id)) {
        events.push(
          this.#finished(id, now, this.#whyMissing(id, check, how, framework?.outside[0])),
        );
      } else if (check.published === undefined) {
        events.push(...this.#publish(id, now));
      } else if (check.published !== "failed" && seen?.state === "failed") {
        // The two views of vitest differ: the worse one counts, and replaces the other.
        const failure = seen.failures[0] ?? disagreement(id, check.published, "failed");
        events.push(this.#finished(id, now, { failure }));
      }
    }
    const outside: readonly Outside[] =
      cancelled !== undefined
        ? []
        : [
            ...this.#strays.values(),
            ...strays.map((stray) => ({
              where: "stray error",
              failure: explained(stray, framework),
            })),
            ...(framework?.outside ?? []).map((failure) => ({ where: "file", failure })),
            // A death that some check tells of already needs no case of its own.
            ...(silent.length === 0 && awaited.length > 0 ? this.#tearDown(how) : []),
            ...this.#orderDependences(),
          ];
    for (const { where, failure } of outside) {
      events.push({
        v: EVENTS_VERSION,
        t: now,
        type: "failure",
        scenario: this.plan.scenario,
        where,
        failure,
      });
    }
    const failure = this.#ended?.failure ?? outside[0]?.failure ?? this.#refusal();
    this.#over = true;
    const finished: RecordedEvent = {
      v: EVENTS_VERSION,
      t: this.#ended?.t ?? now,
      type: "scenario.finished",
      scenario: this.plan.scenario,
      verdict: this.#verdict(failure !== undefined),
      ms: this.#ended?.ms ?? Math.max(0, now - (this.#begun ?? now)),
      ...(failure !== undefined && { failure }),
      ...(this.#ended?.evidenceMs !== undefined && { evidenceMs: this.#ended.evidenceMs }),
      ...(this.#ended?.removalMs !== undefined && { removalMs: this.#ended.removalMs }),
    };
    return [...events, finished];
  }

  /** The one reason why none of its checks can run. */
  #refusal(): Failure | undefined {
    const reasons = this.plan.checks.map(({ id }) => this.plan.refused?.get(id));
    const [first] = reasons;
    return reasons.every((reason) => reason?.message === first?.message) ? first : undefined;
  }

  #begin(t: number): RecordedEvent[] {
    if (this.#begun !== undefined) return [];
    this.#begun = t;
    const { scenario, suite, summary, file, attempt } = this.plan;
    const { checks } = this.plan;
    return [
      {
        v: EVENTS_VERSION,
        t,
        type: "scenario.started",
        scenario,
        suite,
        summary,
        checks,
        file,
        attempt,
      },
    ];
  }

  /** The verdict of a check that its process has spoken of. */
  #publish(id: string, now: number): RecordedEvent[] {
    const { said, framework, published } = this.#checks.get(id) ?? {};
    // Failed is final; a verdict that stays the same is told once.
    if (said === undefined || published === "failed") return [];
    const outcome = agree(id, said, framework, this.#cancelled());
    if (published !== undefined && verdictOf(outcome) === published) return [];
    return [this.#finished(id, now, outcome, said)];
  }

  /** Outcome of a check that its process has not reported. */
  #whyMissing(
    id: string,
    { started: ran, framework }: Heard,
    how: ScenarioEnd,
    outside: Failure | undefined,
  ): Outcome {
    const cancelled = this.#cancelled();
    const during =
      this.#running === undefined ? "outside of its checks" : `during ${this.#running}`;
    if (how.kind === "died") {
      const { how: end, fromOutside } = how;
      // Ctrl+C reaches the whole process group: such a death is part of the cancellation.
      if (cancelled !== undefined && fromOutside) return { reason: cancelled };
      const why = `the worker ended (${end}) ${during}`;
      return { failure: deathOf(ran ? why : `not run: ${why}`, how) };
    }
    if (how.kind === "overdue") {
      if (cancelled !== undefined) return { reason: cancelled };
      const { failure } = how;
      return { failure: ran ? failure : { ...failure, message: `not run: ${failure.message}` } };
    }
    if (cancelled !== undefined) return { reason: cancelled };
    if (how.kind === "never began") {
      const why = "its worker did not start, for an unknown reason";
      return { failure: how.failure ?? failureOf("PVH_VERDICT", why) };
    }
    const failure = framework?.failures[0] ?? this.#ended?.failure;
    if (failure !== undefined) return { failure };
    if (outside !== undefined) {
      return { failure: { ...outside, message: `not run: ${outside.message}` } };
    }
    if (framework?.state === "skipped") {
      return { failure: failureOf("PVH_SCENARIO", `${id}: vitest skipped it`) };
    }
    const what = ran ? "it began, and its verdict did not come" : "it was not run";
    return { failure: failureOf("PVH_VERDICT", `${id}: ${what}`) };
  }

  /** Failures of a scenario whose checks all have their verdict. */
  #tearDown(how: ScenarioEnd): Outside[] {
    const where = "tear-down";
    switch (how.kind) {
      case "died": {
        const message = `the worker ended (${how.how}) after the last check`;
        return [{ where, failure: deathOf(message, how) }];
      }
      case "overdue":
        return [{ where, failure: how.failure }];
      case "ended":
      case "never began":
        if (this.#ended !== undefined) return [];
        return [{ where, failure: failureOf("PVH_VERDICT", "its tear-down did not end") }];
    }
  }

  /** Checks that failed after other scenarios, and pass now. */
  #orderDependences(): Outside[] {
    const { shared } = this.plan;
    const failed = [...(shared?.failures ?? [])];
    return failed
      .filter(([id]) => this.#checks.get(id)?.published === "passed")
      .map(([id, { message }]) => {
        const before = shared?.after.join(", ") ?? "";
        const what = `${id} passes on an appengine of its own, and failed on that of ${before}`;
        return {
          where: "order dependence",
          failure: failureOf("PVH_ORDER", `${what}: ${message}`),
        };
      });
  }

  #finished(
    id: string,
    now: number,
    outcome: Outcome,
    said?: Extract<RecordedTestimony, { type: "check.finished" }>,
  ): RecordedEvent {
    const verdict = verdictOf(outcome);
    const { reason } = outcome;
    if (reason !== undefined && [CANCELLED, this.#cancelled()].includes(reason)) this.#isCut = true;
    const check = this.#checks.get(id);
    if (check !== undefined) check.published = verdict;
    return {
      v: EVENTS_VERSION,
      t: said?.t ?? now,
      type: "check.finished",
      scenario: this.plan.scenario,
      check: id,
      title: this.plan.checks.find((one) => one.id === id)?.title ?? id,
      verdict,
      ms: said?.ms ?? 0,
      ...(said?.share !== undefined && { share: said.share }),
      ...outcome,
    };
  }

  #verdict(failedOutside: boolean): Verdict {
    const verdicts = [...this.#checks.values()].map(({ published }) => published);
    if (failedOutside || verdicts.includes("failed")) return "failed";
    return verdicts.includes("passed") && !this.#isCut ? "passed" : "skipped";
  }
}

interface Outcome {
  readonly failure?: Failure;
  readonly reason?: string;
}

type Passed =
  | TimelineEvent["type"]
  | "check.started"
  | "stage.finished"
  | "appengine.shared"
  | "evidence"
  | "diagnosis"
  | "watch.violated"
  | "note";

/** The event of the record that a testimony is. */
function eventOf(testimony: Extract<RecordedTestimony, { type: Passed }>): RecordedEvent {
  const event: RecordedEvent & { n?: number } = { ...testimony };
  delete event.n;
  return event;
}

function verdictOf({ failure, reason }: Outcome): Verdict {
  if (failure !== undefined) return "failed";
  return reason === undefined ? "passed" : "skipped";
}

/** Outcome of a check from its two witnesses, its process and the framework. */
function agree(
  id: string,
  said: Extract<RecordedTestimony, { type: "check.finished" }>,
  framework: FrameworkResult | undefined,
  cancelled: string | undefined,
): Outcome {
  if (said.verdict === "failed") {
    return {
      failure: said.failure ?? failureOf("PVH_VERDICT", `${id}: it failed without a reason`),
    };
  }
  if (framework === undefined) {
    if (cancelled !== undefined) return { reason: cancelled };
    return { failure: failureOf("PVH_VERDICT", `${id}: vitest has no result of it`) };
  }
  if (framework.state === "failed") {
    return { failure: framework.failures[0] ?? disagreement(id, said.verdict, "failed") };
  }
  if (framework.state !== said.verdict) {
    return { failure: disagreement(id, said.verdict, framework.state) };
  }
  if (said.verdict === "passed") return {};
  const { reason = "" } = said;
  if (reason === "") {
    return { failure: failureOf("PVH_VERDICT", `${id}: it was skipped without a reason`) };
  }
  if (reason === CANCELLED && cancelled === undefined) {
    return {
      failure: failureOf("PVH_VERDICT", `${id}: skipped as cancelled, which the run is not`),
    };
  }
  return { reason };
}

/** A journal that is damaged because its disk is full is the machine's fault, not pvh's. */
function explained(stray: Failure, framework: FrameworkView | undefined): Failure {
  const seen = [
    ...(framework?.outside ?? []),
    ...[...(framework?.checks.values() ?? [])].flatMap(({ failures }) => failures),
  ];
  const full = seen.find(({ code }) => code === "PVH_NO_SPACE");
  if (stray.code !== "PVH_VERDICT" || full === undefined) return stray;
  return { ...full, message: `${stray.message}; ${full.message}` };
}

function disagreement(id: string, said: Verdict, framework: Verdict): Failure {
  return failureOf("PVH_VERDICT", `${id}: the record says ${said}, vitest says ${framework}`);
}

function deathOf(
  message: string,
  { how, fromOutside }: Extract<ScenarioEnd, { readonly kind: "died" }>,
): Failure {
  if (!fromOutside) {
    return failureOf("PVH_SCENARIO", message, "read the end of vitest.log in the run directory");
  }
  const hint = "run dmesg to see whether the kernel ran out of memory";
  return failureOf("PVH_WORKER", message, how === "SIGKILL" ? hint : undefined);
}
