import { join } from "node:path";
import type { Appengine } from "../appengine/appengine.ts";
import { clock } from "../clock/clock.ts";
import type { BootSource } from "../exports/boot-source.ts";
import { messageOfThrown } from "../thrown.ts";
import type { Booter } from "./booter.ts";
import { BootedAppengine } from "./booted-appengine.ts";
import type { Recorder } from "./booted-appengine.ts";
import type { Cancellation } from "./cancellation.ts";
import type { PlannedScenario, PlannedShare, RunSettings } from "./run-settings.ts";
import type { BootOverrides, ScenarioDefinition } from "./scenario-definition.ts";
import { sharedAppengine } from "./shared-appengine.ts";
import type { SharedAppengine } from "./shared-appengine.ts";
import { targetPace } from "./target-pace.ts";
import { recordTimeline } from "./timeline-recorder.ts";
import type { TimelineRecorder } from "./timeline-recorder.ts";
import { WarmAppengine } from "./warm-appengine.ts";

/** The scenario that the appengines are for. */
interface Host extends Recorder {
  readonly cancellation: Cancellation;
  /** The quirks that are on. */
  readonly quirks: readonly string[];
}

/** Appengines of one scenario: where each comes from, where its evidence goes, and when it is removed. */
export class ScenarioAppengines {
  readonly #host: Host;
  readonly #definition: ScenarioDefinition;
  readonly #plan: PlannedScenario;
  readonly #boot: Booter;
  readonly #share: Share | undefined;
  #booted = 0;
  #ownFolder = "";
  #lastFolder = "";

  constructor(host: Host, definition: ScenarioDefinition, plan: PlannedScenario, boot: Booter) {
    this.#host = host;
    this.#definition = definition;
    this.#plan = plan;
    this.#boot = boot;
    this.#share = shareOf(definition.name, host.settings);
  }

  /** Folder for the evidence of the first appengine; "" before it. */
  get ownFolder(): string {
    return this.#ownFolder;
  }

  /** Folder for the evidence of the last one; "" before the first. */
  get lastFolder(): string {
    return this.#lastFolder;
  }

  /** The scenario's own: what a former run has left for it, that of its share, or a new one. @throws PvhError */
  async first(): Promise<BootedAppengine> {
    const { signal } = this.#host.cancellation;
    return (await this.#held()) ?? (await this.#shared()) ?? (await this.boot({}, signal));
  }

  /** Boot one as the scenario asks, with overrides. @throws PvhError */
  async boot(overrides: BootOverrides, signal: AbortSignal): Promise<BootedAppengine> {
    return this.#bootFrom(await this.#source(overrides), overrides, signal);
  }

  /** The one for checks under one quirk after the other. @param switchable quirks of pv-xconnect */
  warm(switchable: readonly string[]): WarmAppengine {
    const { until = "links" } = this.#definition.options;
    return new WarmAppengine(
      async (quirks, env) => {
        const { signal } = this.#host.cancellation;
        return this.#bootFrom(await this.#source({}), { env }, signal, quirks);
      },
      switchable,
      until === "links" || until === "ready",
      (text) => this.#note(text),
    );
  }

  /**
   * Remove the scenario's own, or leave it: to the other scenarios of its share, or to whoever asked for it.
   * @param own undefined when none was booted
   */
  async release(own: BootedAppengine | undefined, hasFailed: boolean): Promise<void> {
    if (!this.#isLeftToOthers(hasFailed)) await this.#remove(own, hasFailed);
  }

  /** The appengine that a former run has left for this scenario, if it can be used again. */
  async #held(): Promise<BootedAppengine | undefined> {
    const { held, engine } = this.#host.settings;
    const name = held?.[this.#definition.name];
    if (name === undefined || engine === undefined) return undefined;
    const begun = now();
    try {
      const { knownEngine } = await import("../engine/find-engine.ts");
      const { attachAppengine } = await import("../appengine/attach-appengine.ts");
      const { until = "links" } = this.#definition.options;
      const { signal } = this.#host.cancellation;
      const container = await attachAppengine(knownEngine(engine), name, { signal, until });
      const ms = now() - begun;
      const stage = {
        scenario: this.#host.name,
        appengine: name,
        stage: "ready",
        ms,
        ok: true,
      } as const;
      this.#host.record({
        type: "stage.finished",
        ...stage,
        detail: "as a former run has left it",
      });
      const timeline = this.#timeline(container.appengine);
      return new BootedAppengine(this.#host, container, this.#evidenceFolder(), timeline);
    } catch (error) {
      if (this.#host.cancellation.signal.aborted) throw error;
      const why = messageOfThrown(error);
      this.#note(`${name} cannot be used again, and another one is booted: ${why}`);
      return undefined;
    }
  }

  /** The appengine of the scenario's share: that of the scenarios before it, or a new one. */
  async #shared(): Promise<BootedAppengine | undefined> {
    const share = this.#share;
    if (share === undefined) return undefined;
    const { signal } = this.#host.cancellation;
    const begun = now();
    const after = [...share.appengine.users];
    try {
      const container = await share.appengine.take(this.#host.name, signal);
      if (container !== undefined) {
        const { name: appengine } = container;
        const ms = now() - begun;
        this.#host.record({
          type: "appengine.shared",
          scenario: this.#host.name,
          appengine,
          after,
          ms,
        });
        const timeline = this.#timeline(container.appengine);
        return new BootedAppengine(this.#host, container, this.#evidenceFolder(), timeline);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      const why = messageOfThrown(error);
      this.#note(`the appengine of ${after.join(", ")} is not used again: ${why}`);
      await this.#remove(undefined, false);
    }
    const booted = await this.#bootFrom(share.plan.source, {}, signal);
    await share.appengine
      .begin(booted.container, this.#host.name, signal)
      .catch((error: unknown) => {
        if (signal.aborted) throw error;
        this.#note(
          `no scenario can use ${booted.container.name} after this one: ${messageOfThrown(error)}`,
        );
      });
    return booted;
  }

  async #bootFrom(
    source: BootSource,
    overrides: BootOverrides,
    signal: AbortSignal,
    quirks: readonly string[] = [...this.#host.quirks, ...(overrides.quirks ?? [])],
  ): Promise<BootedAppengine> {
    const { settings } = this.#host;
    const { options } = this.#definition;
    const folder = this.#evidenceFolder();
    this.#lastFolder = folder;
    const name = `pvh-${crypto.randomUUID().slice(0, 8)}`;
    const timeScale = overrides.timeScale ?? options.timeScale ?? 1;
    const watch = clock.stopwatch();
    let timeline: TimelineRecorder | undefined;
    try {
      const container = await this.#boot({
        name,
        ...source,
        engine: settings.engine,
        run: settings.run,
        held: settings.keepAppengine === true,
        boot: overrides.boot ?? settings.boot ?? (options.boot === "manual" ? "manual" : "auto"),
        quirks,
        timeScale: settings.reference ? timeScale : 1,
        env: { ...options.env, ...overrides.env },
        signal,
        until: overrides.until ?? options.until ?? "links",
        evidence: settings.keep === "never" ? undefined : folder,
        evidenceOver: this.#host.cancellation.evidenceOver,
        onAppengine: (appengine) => {
          timeline = this.#timeline(appengine);
        },
        onStage: (stage, ms, ok, detail) => {
          this.#host.record({
            type: "stage.finished",
            scenario: this.#host.name,
            appengine: name,
            stage,
            ms,
            ok,
            ...(detail !== undefined && { detail }),
          });
        },
      });
      clock.pace = targetPace(watch.given, settings.reference);
      return new BootedAppengine(this.#host, container, folder, timeline);
    } catch (error) {
      await timeline?.end();
      BootedAppengine.recordFolder(this.#host, folder);
      throw error;
    }
  }

  async #source({ containers, exports = [] }: BootOverrides): Promise<BootSource> {
    const { settings, cancellation } = this.#host;
    let source = this.#plan.source ?? { image: settings.image, exports: [] };
    if (containers !== undefined) {
      const { bootSourceOf } = await import("./exports-of.ts");
      source = await bootSourceOf(settings, containers, cancellation.signal);
    }
    return { image: source.image, exports: [...source.exports, ...exports] };
  }

  /** The first appengine's evidence goes to the scenario's folder, further ones beside it. */
  #evidenceFolder(): string {
    const { folder, attempt } = this.#host.settings;
    this.#booted += 1;
    const parts = [
      ...(attempt > 1 ? [`attempt-${attempt}`] : []),
      ...(this.#booted > 1 ? [`appengine-${this.#booted}`] : []),
    ];
    const made = join(folder, this.#host.name, ...parts);
    if (this.#booted === 1) this.#ownFolder = made;
    return made;
  }

  #isLeftToOthers(hasFailed: boolean): boolean {
    const share = this.#share;
    if (share === undefined || hasFailed || this.#host.cancellation.signal.aborted) return false;
    return share.plan.scenarios.at(-1) !== this.#definition.name;
  }

  async #remove(own: BootedAppengine | undefined, hasFailed: boolean): Promise<void> {
    const left = this.#share?.appengine.release();
    const { held, keepAppengine } = this.#host.settings;
    if (held !== undefined) return;
    if (keepAppengine === true && hasFailed) await own?.leave();
    else if (own !== undefined) await own.remove();
    else if (left !== undefined) await new BootedAppengine(this.#host, left, "").remove();
  }

  /** A run of variants judges hundreds of boots by their verdicts alone. */
  #timeline(appengine: Appengine): TimelineRecorder | undefined {
    if (this.#host.settings.switchable !== undefined) return undefined;
    return recordTimeline(appengine, this.#host.name, (testimony) => this.#host.record(testimony));
  }

  #note(text: string): void {
    this.#host.record({ type: "note", scenario: this.#host.name, text });
  }
}

/** The share of a scenario in this round. */
interface Share {
  readonly plan: PlannedShare;
  readonly appengine: SharedAppengine;
}

function shareOf(scenario: string, { shares }: RunSettings): Share | undefined {
  const found = Object.entries(shares).find(([, { scenarios }]) => scenarios.includes(scenario));
  if (found === undefined) return undefined;
  const [name, plan] = found;
  return { plan, appengine: sharedAppengine(name) };
}

// Kept before a scenario can put another clock in its place.
const now = performance.now.bind(performance);
