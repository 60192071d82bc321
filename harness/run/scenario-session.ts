import { join } from "node:path";
import { clock } from "../clock/clock.ts";
import { PvhError } from "../errors.ts";
import { AppengineWatch } from "./appengine-watch.ts";
import type { Booter } from "./booter.ts";
import type { BootedAppengine } from "./booted-appengine.ts";
import { Cancellation } from "./cancellation.ts";
import { catalogue } from "../catalogue/catalogue.ts";
import { missingCapability, missingJudgement, missingTimeScale } from "./capabilities.ts";
import { CheckRun } from "./check-run.ts";
import { CheckWindow } from "./check-window.ts";
import type { CheckTraces } from "./check-window.ts";
import type { CheckOutcome } from "./check-run.ts";
import { departure, diagnoseFailure } from "./diagnose-failure.ts";
import { EventLog, EVENTS_FILE } from "./event-log.ts";
import { NOT_JUDGED } from "../../reports/events.ts";
import type { Failure, Verdict } from "../../reports/events.ts";
import { failureOf, toFailure } from "../failure.ts";
import { journalPath } from "./journal.ts";
import { pauseFor, pauseNote } from "./pause.ts";
import { recordedName } from "./run-settings.ts";
import type { PlannedScenario, RunSettings } from "./run-settings.ts";
import { ScenarioAppengines } from "./scenario-appengines.ts";
import type { BootOverrides, CheckDefinition, ScenarioDefinition } from "./scenario-definition.ts";
import { StrayErrors } from "./stray-errors.ts";
import { CANCELLED } from "./testimony.ts";
import { targetPace } from "./target-pace.ts";
import type { Testimony } from "./testimony.ts";
import { messageOfThrown } from "../thrown.ts";
import { toVariant } from "./variants.ts";
import type { Variant } from "./variants.ts";
import type { WarmAppengine } from "./warm-appengine.ts";

/** Evidence in which causes of a failure are looked for. */
interface Grounds {
  readonly folder: string;
  /** Folder of what is new since the first collection. */
  readonly news?: string | undefined;
  readonly traces?: CheckTraces | undefined;
}

/**
 * One scenario as it runs: its appengine, its events and its evidence.
 *
 * begin, run for each check, end: vitest calls them in this order. It only testifies: the parent
 * judges, and gives a verdict to every check that this process says nothing of.
 */
export class ScenarioSession {
  readonly name: string;
  readonly checks: readonly CheckDefinition[];
  readonly settings: RunSettings;
  readonly cancellation: Cancellation;
  readonly #definition: ScenarioDefinition;
  readonly #plan: PlannedScenario;
  readonly #appengines: ScenarioAppengines;
  readonly #log: EventLog<Testimony>;
  readonly #strays: StrayErrors | undefined;
  readonly #verdicts = new Map<string, Verdict>();
  #begun = now();
  #appengine: BootedAppengine | undefined;
  /** Present in a run of variants, for a scenario with an appengine of its own. */
  #warm: WarmAppengine | undefined;
  /** The quirk of the variant that runs. */
  #quirk: string | undefined;
  #failure: Failure | undefined;
  #watch: AppengineWatch | undefined;
  #violation: Failure | undefined;
  #skipped: string | undefined;
  #evidenceMs = 0;
  #removalMs = 0;

  /** @throws PvhError PVH_INTERNAL when the run does not plan this scenario */
  constructor(definition: ScenarioDefinition, settings: RunSettings, boot: Booter) {
    const plan = settings.scenarios[definition.name];
    if (plan === undefined) {
      throw new PvhError("PVH_INTERNAL", `scenario ${definition.name} is not planned in this run`);
    }
    this.#definition = definition;
    this.#plan = plan;
    this.settings = settings;
    clock.scale = settings.timeoutScale;
    this.name = recordedName(definition.name, settings.repetition);
    this.checks =
      settings.switchable === undefined
        ? definition.checks.filter(({ id }) => plan.checks.includes(id))
        : variantsOf(definition.checks, plan.checks);
    this.cancellation = new Cancellation(settings.folder);
    this.#appengines = new ScenarioAppengines(this, definition, plan, boot);
    this.#log = settings.journals
      ? new EventLog(journalPath(settings.folder, this.name, settings.attempt), { numbered: true })
      : new EventLog(join(settings.folder, EVENTS_FILE));
    // A vitest without pvh above it tells of stray errors itself.
    if (settings.journals) {
      this.#strays = new StrayErrors(this.name, (testimony) => this.record(testimony));
    }
  }

  get quirks(): readonly string[] {
    return [...this.settings.quirks, ...(this.#quirk === undefined ? [] : [this.#quirk])];
  }

  /** Boot the appengine, or take that of its share. A failed boot is not thrown: it becomes the verdict of every check. */
  async begin(): Promise<void> {
    this.#begun = now();
    this.#strays?.begin();
    const { options } = this.#definition;
    this.record({
      type: "scenario.started",
      scenario: this.name,
      suite: this.#plan.suite,
      summary: options.summary,
      checks: this.checks.map(({ id, title }) => ({ id, title })),
      file: this.#plan.file,
      attempt: this.settings.attempt,
    });
    this.#skipped = this.cancellation.signal.aborted
      ? CANCELLED
      : (this.#plan.missing ??
        missingCapability(options.requires ?? [], this.settings) ??
        missingTimeScale(options.timeScale, this.settings));
    // Before a boot has shown it, the pace is that of any target of this kind.
    if (options.boot === "none") clock.pace = targetPace(0, this.settings.reference);
    if (this.#skipped !== undefined || options.boot === "none") return;
    if (this.settings.switchable !== undefined) {
      this.#warm = this.#appengines.warm(this.settings.switchable);
      return;
    }
    try {
      this.#appengine = await this.#appengines.first();
      await this.#watchBegins();
    } catch (error) {
      if (this.cancellation.signal.aborted) this.#skipped = CANCELLED;
      else {
        this.#failure = toFailure(error);
        this.#diagnose(this.#failure, { folder: this.#appengines.lastFolder });
      }
    }
  }

  /** A rule that fires on the evidence of a scenario that passes would mislead when it fails. */
  #diagnoseHealthy(): void {
    const { rules: expected = [] } = this.#definition.options.expects ?? {};
    const none = { class: "product", code: "PVH_ASSERT", message: "" } as const;
    const { diagnoses } = diagnoseFailure(none, this.#appengines.ownFolder, { expected });
    for (const { rule, cause } of diagnoses) {
      this.#note(`rule ${rule} fires, and the scenario passes: ${cause}`);
    }
  }

  /** Look for known causes in the evidence; nothing that goes wrong here costs a verdict. */
  #diagnose(failure: Failure, evidence: Grounds | undefined, check?: string): void {
    if (evidence === undefined || this.settings.keep === "never") return;
    if (failure.class !== "product" && failure.class !== "scenario") return;
    try {
      const { reference } = this.settings;
      const departs = check === undefined || reference ? undefined : departure(check);
      const { rules: expected = [] } = this.#definition.options.expects ?? {};
      const found = diagnoseFailure(failure, evidence.folder, {
        expected,
        news: evidence.news,
        traces: evidence.traces,
        departs,
      });
      const of = { scenario: this.name, ...(check !== undefined && { check }) };
      this.record({ type: "diagnosis", ...of, ...found });
    } catch (error) {
      this.#note(`no cause was looked for: ${messageOfThrown(error)}`);
    }
  }

  /**
   * Run one check and record its verdict.
   * @returns why it was skipped
   * @throws what the check threw, so that vitest shows it too; where the parent judges, an error
   * with its message: not everything that can be thrown is good for vitest
   */
  async run(check: CheckDefinition): Promise<string | undefined> {
    this.#quirk = this.settings.switchable === undefined ? undefined : toVariant(check.id).quirk;
    if (this.#warm !== undefined) await this.#warmUp(this.#warm, toVariant(check.id));
    if (this.#failure !== undefined) {
      this.#finish(check, 0, { failure: this.#failure });
      throw new Error(this.#failure.message);
    }
    if (this.cancellation.signal.aborted) this.#skipped ??= CANCELLED;
    // Nothing else of a check needs the catalogue.
    const row =
      this.settings.broker === undefined ? undefined : catalogue().get(toVariant(check.id).check);
    const reason = this.#skipped ?? missingJudgement(row, this.settings);
    if (reason !== undefined) {
      this.#finish(check, 0, { reason });
      return reason;
    }
    const first = new CheckRun(this, check, this.#appengine?.container);
    const { deadline, longest } = first;
    const container = this.#appengine?.container;
    const window = await this.#windowOn(container);
    this.record({ type: "check.started", scenario: this.name, check: check.id, deadline, longest });
    if (this.#strays !== undefined) this.#strays.during = check.id;
    const begun = now();
    const watch = clock.stopwatch();
    const { run, outcome } = await this.#settled(first, check);
    const { share } = watch;
    const ms = now() - begun;
    const failed = "error" in outcome;
    // The product is not to blame for anything a check saw after its appengine was taken away.
    const error = failed ? ((await this.#whyLost(run)) ?? outcome.error) : undefined;
    const failure = failed ? toFailure(error) : undefined;
    this.#finish(check, ms, {
      share: Math.round(share * 100) / 100,
      ...(failure !== undefined && { failure }),
      ...("skipped" in outcome && { reason: outcome.skipped }),
    });
    // The state as the check left it: later checks may change it.
    const ended = now();
    const traces =
      failed && container === this.#appengine?.container
        ? await window?.end(this.cancellation.signal)
        : undefined;
    const own = failed ? await this.#appengine?.collect(check.id) : undefined;
    // Each variant has an appengine that is as after a boot.
    const isSame = this.settings.switchable === undefined;
    if (failure !== undefined && failure.class !== "infra" && isSame) {
      const why = await this.#appengine?.container.whyNotSound(this.cancellation.signal);
      if (why !== undefined) this.#skipped = `${NOT_JUDGED}: ${why} in ${check.id}`;
    }
    if (failure === undefined && this.#watch?.isDue === true) await this.#watched(check.id);
    const collected = now();
    if (failed && this.settings.pauseOnFailure === true) await this.#pause(check.id, run);
    const last = await run.removeBooted(failed);
    if (failure !== undefined) {
      const ofBoot = failure.code === "PVH_NEVER_READY";
      const kept = ofBoot
        ? { folder: this.#appengines.lastFolder }
        : (last ?? (own && { ...own, traces }));
      this.#diagnose(failure, kept, check.id);
    }
    this.#evidenceMs += collected - ended;
    this.#removalMs += now() - collected;
    if (failure !== undefined) throw this.settings.journals ? new Error(failure.message) : error;
    return "skipped" in outcome ? outcome.skipped : undefined;
  }

  /** The logs from here on are the check's; nobody asks for them where no cause is looked for. */
  async #windowOn(
    container: BootedAppengine["container"] | undefined,
  ): Promise<CheckWindow | undefined> {
    if (container === undefined || this.settings.keep === "never") return undefined;
    return CheckWindow.begin(container.appengine, this.cancellation.signal);
  }

  /** Report vitest's result of a check, when all of its hooks have run. */
  frameworkFinished(check: CheckDefinition, state: Verdict, errors: readonly unknown[]): void {
    if (this.#strays !== undefined) this.#strays.during = undefined;
    this.record({
      type: "framework.finished",
      scenario: this.name,
      check: check.id,
      state,
      failures: errors.map(toFailure),
    });
  }

  async #watchBegins(): Promise<void> {
    const container = this.#appengine?.container;
    if (container === undefined || this.settings.watch === "off") return;
    const { expects = {}, until = "links" } = this.#definition.options;
    const isReady = until === "links" || until === "ready";
    const { signal } = this.cancellation;
    this.#watch = await AppengineWatch.begin(container, expects, isReady, signal);
  }

  /** Tell the first violation of a watcher; where the run says so, it fails the scenario. */
  async #watched(check?: string): Promise<void> {
    const violation = await this.#watch?.look(this.cancellation.signal);
    if (violation === undefined || this.cancellation.signal.aborted) return;
    const of = { scenario: this.name, ...(check !== undefined && { check }) };
    this.record({ type: "watch.violated", ...of, ...violation });
    if (this.settings.watch !== "fail") return;
    const during = check === undefined ? "" : `, after ${check}`;
    this.#violation = failureOf("PVH_WATCH", `${violation.says}${during}`, HINT);
    const kept = await this.#appengine?.collect(`watcher-${violation.watcher}`);
    this.#diagnose(this.#violation, kept);
  }

  /** Keep evidence, remove the appengine and close the record. Never throws. */
  async end(): Promise<void> {
    const appengine = this.#appengine;
    if (appengine !== undefined) {
      const ended = now();
      await this.#watched().catch((error: unknown) => {
        this.#note(`the last look of the watchers failed: ${messageOfThrown(error)}`);
      });
      if (this.settings.keep === "always" || this.cancellation.signal.aborted) {
        await appengine.collect().catch((error: unknown) => {
          this.#note(`evidence could not be kept: ${messageOfThrown(error)}`);
        });
        if (this.#verdict() === "passed") this.#diagnoseHealthy();
      }
      const collected = now();
      this.#evidenceMs += collected - ended;
    }
    const ended = now();
    await this.#appengine?.endTimeline();
    if (this.#warm !== undefined) await this.#warm.remove();
    else await this.#appengines.release(this.#appengine, this.#verdict() === "failed");
    this.#removalMs += now() - ended;
    const failure = this.#failure ?? this.#violation;
    this.record({
      type: "scenario.finished",
      scenario: this.name,
      verdict: this.#verdict(),
      ms: now() - this.#begun,
      ...(failure !== undefined && { failure }),
      evidenceMs: this.#evidenceMs,
      removalMs: this.#removalMs,
    });
    this.cancellation.close();
    // The journal stays open: an error that comes from now on is one of this scenario.
  }

  get division(): number {
    return this.settings.reference ? 1 : (this.#definition.options.timeScale ?? 1);
  }

  /** Boot an appengine as the scenario asks, with overrides. */
  boot(overrides: BootOverrides, signal: AbortSignal): Promise<BootedAppengine> {
    return this.#appengines.boot(overrides, signal);
  }

  /** Bring the appengine of a variant to its start. What cannot be done is that variant's failure. */
  async #warmUp(warm: WarmAppengine, variant: Variant): Promise<void> {
    const { signal } = this.cancellation;
    this.#failure = undefined;
    try {
      this.#appengine = await warm.under(variant, signal);
    } catch (error) {
      if (!signal.aborted) this.#failure = toFailure(error);
    }
  }

  /**
   * The outcome of a check. A variant in strict that fails on an appengine which was reset is repeated on
   * a new one: it may need what a boot alone leaves, as lines of the log.
   */
  async #settled(
    run: CheckRun,
    check: CheckDefinition,
  ): Promise<{ readonly run: CheckRun; readonly outcome: CheckOutcome }> {
    const outcome = await run.result();
    const warm = this.#warm;
    if (!("error" in outcome) || warm?.isUsed !== true || this.#quirk !== undefined) {
      return { run, outcome };
    }
    this.#note(`${check.id} is repeated on a new appengine: ${messageOfThrown(outcome.error)}`);
    await run.removeBooted(true);
    try {
      this.#appengine = undefined;
      this.#appengine = await warm.anew(check.id, this.cancellation.signal);
    } catch (error) {
      return { run, outcome: { error } };
    }
    const again = new CheckRun(this, check, this.#appengine.container);
    return { run: again, outcome: await again.result() };
  }

  /** Hold everything as the failed check left it until a person has seen it. */
  async #pause(check: string, { booted }: CheckRun): Promise<void> {
    const name = (booted.at(-1) ?? this.#appengine)?.container.name;
    if (name === undefined) return;
    this.#note(pauseNote(check, name));
    await pauseFor(this.settings.folder, this.name, check, this.cancellation.signal);
  }

  #note(text: string): void {
    this.record({ type: "note", scenario: this.name, text });
  }

  async #whyLost(run: CheckRun): Promise<PvhError | undefined> {
    const used = [...(this.#appengine ? [this.#appengine] : []), ...run.booted];
    const why = await Promise.all(used.map(({ container }) => container.whyLost()));
    return why.find((one) => one !== undefined);
  }

  record(testimony: Testimony): void {
    this.#log.append(testimony);
  }

  #finish(
    check: CheckDefinition,
    ms: number,
    outcome: { readonly failure?: Failure; readonly reason?: string; readonly share?: number },
  ): void {
    const verdict = outcome.failure
      ? "failed"
      : outcome.reason === undefined
        ? "passed"
        : "skipped";
    this.#verdicts.set(check.id, verdict);
    this.record({
      type: "check.finished",
      scenario: this.name,
      check: check.id,
      title: check.title,
      verdict,
      ms,
      ...outcome,
    });
  }

  #verdict(): Verdict {
    const verdicts = [...this.#verdicts.values()];
    if ((this.#failure ?? this.#violation) !== undefined || verdicts.includes("failed"))
      return "failed";
    return verdicts.includes("passed") ? "passed" : "skipped";
  }
}

function variantsOf(
  checks: readonly CheckDefinition[],
  ids: readonly string[],
): readonly CheckDefinition[] {
  return ids.flatMap((id) => {
    const check = checks.find((one) => one.id === toVariant(id).check);
    return check === undefined ? [] : [{ ...check, id }];
  });
}

/** Hint of a violation. */
const HINT =
  "where the scenario means it, its options say so: expects: { watchers: […], errors: [/…/] }";

// Kept before a scenario can put another clock in its place.
const now = performance.now.bind(performance);
