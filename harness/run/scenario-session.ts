import { join } from "node:path";
import { clock } from "../clock/clock.ts";
import { MOST_STRETCH } from "../clock/deadline.ts";
import { PvhError } from "../errors.ts";
import type { Booter } from "./booter.ts";
import { BootedAppengine } from "./booted-appengine.ts";
import { Cancellation } from "./cancellation.ts";
import { missingCapability } from "./capabilities.ts";
import { CheckRun, deadlineOf } from "./check-run.ts";
import { EventLog, EVENTS_FILE } from "./event-log.ts";
import type { Failure, RunEvent, Verdict } from "./events.ts";
import { toFailure } from "./failure.ts";
import { recordedName } from "./run-settings.ts";
import type { PlannedScenario, RunSettings } from "./run-settings.ts";
import type { BootOverrides, CheckDefinition, ScenarioDefinition } from "./scenario-definition.ts";

/**
 * One scenario as it runs: its appengine, its events and its evidence.
 *
 * begin, run for each check, end: vitest calls them in this order. Every check of the plan gets
 * exactly one verdict, whatever happens; `end` gives one to those that could not run.
 */
export class ScenarioSession {
  readonly name: string;
  readonly checks: readonly CheckDefinition[];
  readonly settings: RunSettings;
  readonly cancellation: Cancellation;
  readonly #definition: ScenarioDefinition;
  readonly #plan: PlannedScenario;
  readonly #boot: Booter;
  readonly #log: EventLog;
  readonly #verdicts = new Map<string, Verdict>();
  #begun = performance.now();
  #appengine: BootedAppengine | undefined;
  #failure: Failure | undefined;
  #skipped: string | undefined;
  #booted = 0;

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
    this.#boot = boot;
    this.name = recordedName(definition.name, settings.repetition);
    this.checks = definition.checks.filter(({ id }) => plan.checks.includes(id));
    this.cancellation = new Cancellation(settings.folder);
    this.#log = new EventLog(join(settings.folder, EVENTS_FILE));
  }

  /** Boot the appengine. A failed boot is not thrown: it becomes the verdict of every check. */
  async begin(): Promise<void> {
    this.#begun = performance.now();
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
      : missingCapability(options.requires ?? [], this.settings);
    if (this.#skipped !== undefined || options.boot === "none") return;
    try {
      this.#appengine = await this.boot({}, this.cancellation.signal);
    } catch (error) {
      if (this.cancellation.signal.aborted) this.#skipped = CANCELLED;
      else this.#failure = toFailure(error);
    }
  }

  /**
   * Run one check and record its verdict.
   * @returns why it was skipped
   * @throws what the check threw, so that vitest shows it too
   */
  async run(check: CheckDefinition): Promise<string | undefined> {
    if (this.#failure !== undefined) {
      this.#finish(check, 0, { failure: this.#failure });
      throw new Error(this.#failure.message);
    }
    if (this.cancellation.signal.aborted) this.#skipped ??= CANCELLED;
    if (this.#skipped !== undefined) {
      this.#finish(check, 0, { reason: this.#skipped });
      return this.#skipped;
    }
    const deadline = deadlineOf(check) * this.settings.timeoutScale;
    this.record({
      type: "check.started",
      scenario: this.name,
      check: check.id,
      deadline,
      longest: deadline * MOST_STRETCH,
    });
    const run = new CheckRun(this, check, this.#appengine?.container);
    const begun = performance.now();
    const watch = clock.stopwatch();
    const outcome = await run.result();
    const { share } = watch;
    const ms = performance.now() - begun;
    const failed = "error" in outcome;
    // Whatever a check saw of an engine that went away under it, the product did not do it.
    const error = failed
      ? ((await this.#appengine?.container.engineGone()) ?? outcome.error)
      : undefined;
    this.#finish(check, ms, {
      share: Math.round(share * 100) / 100,
      ...(failed && { failure: toFailure(error) }),
      ...("skipped" in outcome && { reason: outcome.skipped }),
    });
    // The state as the check left it: later checks may change it.
    if (failed) await this.#appengine?.collect();
    await run.removeBooted(failed);
    if (failed) throw error;
    return "skipped" in outcome ? outcome.skipped : undefined;
  }

  /** Keep evidence, remove the appengine and close the record. Never throws. */
  async end(): Promise<void> {
    for (const check of this.checks) {
      if (this.#verdicts.has(check.id)) continue;
      this.#finish(check, 0, { reason: this.#skipped ?? CANCELLED });
    }
    const appengine = this.#appengine;
    if (appengine !== undefined) {
      if (this.settings.keep === "always" || this.cancellation.signal.aborted) {
        await appengine.collect();
      }
      await appengine.remove();
    }
    this.record({
      type: "scenario.finished",
      scenario: this.name,
      verdict: this.#verdict(),
      ms: performance.now() - this.#begun,
      ...(this.#failure && { failure: this.#failure }),
    });
    this.cancellation.close();
    this.#log.close();
  }

  /** Boot an appengine as the scenario asks, with overrides. */
  async boot(overrides: BootOverrides, signal: AbortSignal): Promise<BootedAppengine> {
    const { settings } = this;
    const { options } = this.#definition;
    const folder = this.#evidenceFolder();
    let name = "";
    try {
      const container = await this.#boot({
        image: settings.image,
        run: settings.run,
        exports: await this.#exports(overrides),
        boot: overrides.boot ?? settings.boot ?? (options.boot === "manual" ? "manual" : "auto"),
        quirks: settings.quirks,
        timeScale: overrides.timeScale ?? options.timeScale ?? 1,
        env: { ...options.env, ...overrides.env },
        signal,
        until: overrides.until ?? options.until ?? "links",
        evidence: settings.keep === "never" ? undefined : folder,
        onStage: (stage, ms, ok, detail) => {
          if (stage === "container" && detail !== undefined) name = detail;
          this.record({
            type: "stage.finished",
            scenario: this.name,
            appengine: name,
            stage,
            ms,
            ok,
            ...(detail !== undefined && { detail }),
          });
        },
      });
      return new BootedAppengine(this, container, folder);
    } catch (error) {
      BootedAppengine.recordFolder(this, folder);
      throw error;
    }
  }

  record(event: RunEvent): void {
    this.#log.append(event);
  }

  async #exports({ containers, exports = [] }: BootOverrides): Promise<readonly string[]> {
    if (containers === undefined) return [...this.#plan.exports, ...exports];
    const { exportsOf } = await import("./exports-of.ts");
    return [...(await exportsOf(containers, this.cancellation.signal)), ...exports];
  }

  /** The first appengine's evidence goes to the scenario's folder, further ones beside it. */
  #evidenceFolder(): string {
    const { folder, attempt } = this.settings;
    this.#booted += 1;
    const parts = [
      ...(attempt > 1 ? [`attempt-${attempt}`] : []),
      ...(this.#booted > 1 ? [`appengine-${this.#booted}`] : []),
    ];
    return join(folder, this.name, ...parts);
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
    if (this.#failure !== undefined || verdicts.includes("failed")) return "failed";
    return verdicts.includes("passed") ? "passed" : "skipped";
  }
}

const CANCELLED = "the run was cancelled";
