import { join } from "node:path";
import type { CommandRefusal } from "./control/pantavisor-view.ts";
import type { Clock } from "./lifecycle/clock.ts";
import { isUp } from "./lifecycle/container-state.ts";
import { changeBetween } from "./lifecycle/revision-change.ts";
import type { TrialEvent, TrialState } from "./lifecycle/trial.ts";
import { isOver, newTrial, stepTrial } from "./lifecycle/trial.ts";
import { NO_ROOM, isNoRoom } from "../shared/no-room.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import { logFolder, revisionFolder } from "./appengine-config.ts";
import { commitRevision, readBootEnvironment, tryAtNextBoot } from "./storage/boot-environment.ts";
import { whyNotToRun } from "./integrity.ts";
import type { LoadedRevision } from "./loaded-revision.ts";
import { loadRevision, missingRequired } from "./loaded-revision.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import type { RevisionRunner } from "./revision-runner.ts";
import type { Progress } from "./storage/step-progress.ts";
import { terseFailure } from "./storage/terse-failure.quirk.ts";
import { progressOf, withLogs, writeProgress } from "./storage/step-progress.ts";

export interface UpdaterOptions {
  readonly config: AppengineConfig;
  readonly quirks: Quirks;
  readonly log: PantavisorLog;
  /** Runs the commit delay. */
  readonly clock: Clock;
  readonly runner: RevisionRunner;
  /** Files that were found good: a step shares most of its own with the revision that runs. */
  readonly good?: Set<string> | undefined;
  /** The revision that runs. */
  readonly running: () => LoadedRevision;
  /** Called when `next` becomes the running revision, just before its containers start. */
  readonly onSwitch: (next: LoadedRevision) => void;
}

/** A trial is by a reboot, or in place: then a reboot has to come before it can be committed. */
interface Trial {
  readonly kind: "reboot" | "in-place";
  readonly state: TrialState;
}

/**
 * Takes the device from one revision to another and decides whether it stays
 * (docs/pantavisor.md §3.6, §5.4). The next boot's revision is always settled in boot/uboot.txt
 * before anything happens that a kill or a power cut could interrupt: a revision on trial is tried
 * at most once, and until it is committed the one before it comes back.
 */
export class Updater {
  readonly #options: UpdaterOptions;
  /** Under way in place: these have to be down before the next revision can begin. */
  #departure: { next: LoadedRevision; kept: ReadonlySet<string> } | undefined;
  /** Name of the revision that is being read and verified. */
  #verifying: string | undefined;
  #trial: Trial | undefined;

  constructor(options: UpdaterOptions) {
    this.#options = options;
  }

  isBusy(): boolean {
    const testing = this.#trial !== undefined && !isOver(this.#trial.state);
    return testing || this.next !== undefined;
  }

  /** The revision that runs once it is verified, and those of the running one are down that it does not have. */
  get next(): string | undefined {
    return this.#departure?.next.revision ?? this.#verifying;
  }

  /** True when a container is being stopped for an update, so that nobody may start it again. */
  isDeparting(container: string): boolean {
    return this.#departure !== undefined && !this.#departure.kept.has(container);
  }

  /** Begin the trial of the running revision, for which this boot was made. */
  beginTrial(): void {
    this.#begin("reboot", progressOf.starting);
  }

  /** The revision on trial cannot run at all. */
  giveUp(reason: string): void {
    if (this.#trial === undefined) return;
    this.#trial = { ...this.#trial, state: { ...this.#trial.state, phase: "failed", reason } };
    this.#note(this.#options.running().revision, progressOf.failed(reason));
  }

  /**
   * Run an installed revision once it is verified, by a reboot if it needs one or `reboot` says so.
   * The device is busy from the call on.
   * @returns why not; the revision's progress then says so too
   */
  async run(revision: string, how: { reboot: boolean }): Promise<CommandRefusal | undefined> {
    const { config, quirks, running } = this.#options;
    if (revision === running().revision) {
      return { status: 409, reason: `Step ${revision} is running` };
    }
    const ending = this.#ending();
    if (ending !== undefined) return ending;
    let next: LoadedRevision;
    let fault: string | undefined;
    this.#verifying = revision;
    try {
      next = loadRevision(config, revision, quirks);
      fault = await whyNotToRun(next, this.#options);
    } catch (error) {
      return this.#refuse(revision, `State JSON has bad format: ${(error as Error).message}`);
    } finally {
      this.#verifying = undefined;
    }
    if (fault !== undefined) return this.#refuse(revision, fault);
    return this.#ending() ?? this.#goOver(next, how);
  }

  /** The device may begin to go down while a revision is verified. */
  #ending(): CommandRefusal | undefined {
    const { outcome } = this.#options.runner.state;
    return outcome === undefined ? undefined : { status: 409, reason: `The ${outcome} has begun` };
  }

  /** Go over to a verified revision. */
  #goOver(next: LoadedRevision, { reboot }: { reboot: boolean }): CommandRefusal | undefined {
    const { quirks, runner, running } = this.#options;
    const { revision } = next;
    const [missing] = missingRequired(next, quirks);
    if (missing !== undefined) return this.#refuse(revision, missing);
    const change = changeBetween(sideOf(running()), sideOf(next));
    if (reboot || change.kind === "reboot") {
      try {
        tryAtNextBoot(this.#bootFile, revision);
      } catch (error) {
        if (!isNoRoom(error)) throw error;
        return { status: 507, reason: NO_ROOM };
      }
      this.#note(revision, progressOf.rebooting);
      this.#log(
        `rebooting into revision '${revision}': ${change.kind === "reboot" ? change.because : "asked for"}`,
      );
      runner.dispatch({ type: "shutdown", outcome: "reboot" });
      return undefined;
    }
    this.#note(revision, progressOf.transition);
    this.#log(`transitioning to revision '${revision}' without rebooting`);
    const kept = quirks.has("update-restarts-all") ? new Set<string>() : change.kept;
    for (const { name } of running().plan.containers) {
      if (!kept.has(name))
        runner.dispatch({ type: "container", name, event: { type: "teardown" } });
    }
    // The departure is set after every container was told to stop; otherwise the ones that are
    // down already would begin the next revision.
    this.#departure = { next, kept };
    this.onStep();
    return undefined;
  }

  /** Take note that something has happened to the running revision. */
  onStep(): void {
    this.#finishDeparture();
    this.#judge("step");
  }

  #finishDeparture(): void {
    const { runner, onSwitch } = this.#options;
    const { state } = runner;
    const departure = this.#departure;
    if (departure === undefined) return;
    const { next, kept } = departure;
    if (state.outcome !== undefined) {
      this.#departure = undefined;
      this.#note(next.revision, progressOf.failed(`${state.outcome} before it was begun`));
      return;
    }
    const busy = [...state.containers].some(([name, one]) => !kept.has(name) && isUp(one));
    if (busy) return;
    this.#departure = undefined;
    onSwitch(next);
    this.#begin("in-place", progressOf.transition);
    runner.switchTo(next.plan, next.state.containers, kept);
  }

  #begin(kind: Trial["kind"], progress: Progress): void {
    this.#trial = { kind, state: newTrial };
    this.#note(this.#options.running().revision, progress);
  }

  #judge(event: TrialEvent): void {
    const { config, clock, runner, quirks } = this.#options;
    const trial = this.#trial;
    if (trial === undefined || isOver(trial.state)) return;
    const step = stepTrial(trial.state, event, runner.plan, runner.state);
    this.#trial = { ...trial, state: step.trial };
    if (step.armDelay) {
      this.#log(`committing new update in ${config.commitDelay} seconds`);
      clock.after(config.commitDelay * 1000, () => this.#judge("delay-over"));
    }
    if (step.trial.phase === trial.state.phase) return;
    const { revision } = runner.plan;
    switch (step.trial.phase) {
      case "testing":
        if (quirks.has("commit-early")) this.#pass(trial.kind, revision);
        else this.#note(revision, testingBy(trial.kind));
        break;
      case "holding":
        this.#note(revision, progressOf.unstable);
        break;
      case "passed":
        this.#pass(trial.kind, revision);
        break;
      case "failed":
        if (quirks.has("rollback-missing")) this.#pass(trial.kind, revision);
        else this.#fail(revision, step.trial.reason ?? "");
        break;
      case "starting":
    }
  }

  #pass(kind: Trial["kind"], revision: string): void {
    try {
      if (kind === "reboot") commitRevision(this.#bootFile, revision);
      else tryAtNextBoot(this.#bootFile, revision);
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      this.#fail(revision, NO_ROOM);
      return;
    }
    this.#note(revision, kind === "reboot" ? progressOf.done : progressOf.updated);
  }

  #fail(revision: string, reason: string): void {
    const { config, runner, log, quirks } = this.#options;
    const failed = progressOf.failed(reason);
    const logs = logFolder(config, revision);
    if (quirks.has("failed-update-terse")) this.#note(revision, terseFailure(failed, logs));
    else {
      const isSilent = quirks.has("failed-update-silent");
      this.#note(revision, isSilent ? failed : withLogs(failed, logs));
    }
    const boot = readBootEnvironment(this.#bootFile);
    const back = boot.trying ?? boot.revision;
    const line = `(pv_rollback:1) revision '${revision}' failed: ${reason}. Rolling back to '${back}'...`;
    log.write("ERROR", "controller", line);
    runner.dispatch({ type: "shutdown", outcome: "reboot" });
  }

  #refuse(revision: string, reason: string): CommandRefusal {
    this.#note(revision, progressOf.wontGo(reason));
    return { status: 422, reason };
  }

  #note(revision: string, progress: Progress): void {
    writeProgress(revisionFolder(this.#options.config, revision), progress);
  }

  #log(message: string): void {
    this.#options.log.write("INFO", "updater", `(pv_update:1) ${message}`);
  }

  get #bootFile(): string {
    return join(this.#options.config.storage, "boot/uboot.txt");
  }
}

function testingBy(kind: Trial["kind"]): Progress {
  return kind === "reboot" ? progressOf.testing : progressOf.testingInPlace;
}

function sideOf({ plan, state: { entries } }: LoadedRevision) {
  return { plan, entries };
}
