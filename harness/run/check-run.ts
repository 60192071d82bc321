import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
import { clock } from "../clock/clock.ts";
import { MOST_STRETCH } from "../clock/deadline.ts";
import type { Deadline } from "../clock/deadline.ts";
import { PvhError } from "../errors.ts";
import { lastWait } from "../until.ts";
import { projectFacts } from "../project-facts.ts";
import { missingTimeScale } from "./capabilities.ts";
import type { BootedAppengine, Collected } from "./booted-appengine.ts";
import type { Cancellation } from "./cancellation.ts";
import type { RunSettings } from "./run-settings.ts";
import type { Testimony } from "./testimony.ts";
import type { BootOverrides, CheckContext, CheckDefinition } from "./scenario-definition.ts";

/** Milliseconds of given time that a check may take, before `--timeout-scale`. */
const DEADLINE = 30_000;

export type CheckOutcome =
  { readonly passed: true } | { readonly skipped: string } | { readonly error: unknown };

/** The scenario that a check runs in. */
export interface CheckHost {
  readonly name: string;
  readonly settings: RunSettings;
  readonly cancellation: Pick<Cancellation, "signal">;
  /** Factor by which the target's waits are longer than the scenario says: the reference divides them. */
  readonly division: number;
  /** The quirks that are on. */
  readonly quirks: readonly string[];
  /** Boot an appengine as the scenario asks, with overrides. */
  boot(overrides: BootOverrides, signal: AbortSignal): Promise<BootedAppengine>;
  record(testimony: Testimony): void;
}

/** One check as it runs: its context, its deadline, and the appengines that it boots. */
export class CheckRun {
  readonly #host: CheckHost;
  readonly #check: CheckDefinition;
  readonly #appengine: StartedAppengineContainer | undefined;
  readonly #booted: BootedAppengine[] = [];

  constructor(
    host: CheckHost,
    check: CheckDefinition,
    appengine: StartedAppengineContainer | undefined,
  ) {
    this.#host = host;
    this.#check = check;
    this.#appengine = appengine;
  }

  /** The appengines that the check has booted, and that are still to be removed. */
  get booted(): readonly BootedAppengine[] {
    return this.#booted;
  }

  /** Milliseconds that it may be given, `--timeout-scale` and the target's pace included. */
  get deadline(): number {
    const patience = Math.max(1, this.#host.division / clock.pace);
    return this.#timeout * this.#host.settings.timeoutScale * clock.pace * patience;
  }

  /** Milliseconds on the wall after which it ends, even if the machine gave it little time. */
  get longest(): number {
    return this.deadline * MOST_STRETCH;
  }

  get #timeout(): number {
    return this.#check.options.timeout ?? projectFacts()?.checkTimeout ?? DEADLINE;
  }

  /** Ends at the deadline and on cancellation, whether or not the check heeds its signal. */
  async result(): Promise<CheckOutcome> {
    const cancelled = this.#host.cancellation.signal;
    clock.division = this.#host.division;
    using deadline = clock.deadline(this.#timeout * clock.patience);
    const signal = AbortSignal.any([cancelled, deadline.signal]);
    let wait: string | undefined;
    // Asked at once: waits end with the signal.
    deadline.signal.addEventListener("abort", () => (wait = lastWait()), { once: true });
    try {
      await Promise.race([this.#body(signal), rejectedBy(signal)]);
      return { passed: true };
    } catch (error) {
      if (Skip.is(error)) return { skipped: error.reason };
      if (cancelled.aborted) return { skipped: "the run was cancelled" };
      return { error: deadline.signal.aborted ? tookTooLong(deadline, error, wait) : error };
    } finally {
      clock.division = 1;
    }
  }

  /**
   * Remove what bootAppengine() booted.
   * @returns evidence of the last one, where it was kept
   */
  async removeBooted(failed: boolean): Promise<Collected | undefined> {
    const { cancellation, settings } = this.#host;
    const keep = failed || cancellation.signal.aborted || settings.keep === "always";
    let last: Collected | undefined;
    for (const appengine of this.#booted.splice(0)) {
      if (keep) last = await appengine.collect();
      if (failed && settings.keepAppengine === true) await appengine.leave();
      else await appengine.remove();
    }
    return last;
  }

  async #body(signal: AbortSignal): Promise<void> {
    await this.#check.body(this.#context(signal));
  }

  #context(signal: AbortSignal): CheckContext {
    const appengine = (): StartedAppengineContainer => this.#need();
    return {
      get appengine() {
        return appengine().appengine;
      },
      get control() {
        return appengine().control;
      },
      inside: (container) => appengine().inside(container),
      signal,
      seed: this.#host.settings.seed,
      quirks: this.#host.quirks,
      bootAppengine: (overrides = {}) => this.#boot(overrides, signal),
      skip: (reason) => {
        throw new Skip(reason);
      },
      note: (text) => this.#host.record({ type: "note", scenario: this.#host.name, text }),
    };
  }

  async #boot(overrides: BootOverrides, signal: AbortSignal): Promise<StartedAppengineContainer> {
    // The check's deadline does not know how long this one takes in its own time.
    const { reference } = this.#host.settings;
    const missing = missingTimeScale(overrides.timeScale, { reference });
    if (missing !== undefined) throw new Skip(missing);
    if (overrides.quirks !== undefined && !this.#host.settings.reference) {
      throw new Skip("needs reference: an image of its own has no quirks");
    }
    const booted = await this.#host.boot(overrides, signal);
    // No check will use a boot that ends after its check has ended.
    if (signal.aborted) await booted.remove();
    else this.#booted.push(booted);
    return booted.container;
  }

  #need(): StartedAppengineContainer {
    if (this.#appengine !== undefined) return this.#appengine;
    throw new PvhError("PVH_SCENARIO", `${this.#host.name} boots no appengine of its own`, {
      hint: "a scenario with boot: 'none' uses bootAppengine() in its checks",
    });
  }
}

/** Error of the deadline; anything else that the abort made the check throw is its cause. */
function tookTooLong(deadline: Deadline, thrown: unknown, wait: string | undefined): PvhError {
  const cause = thrown === deadline.signal.reason ? undefined : thrown;
  const waiting = wait === undefined ? "" : `, waiting for ${wait}`;
  return deadline.error(`the check took longer than ${deadline.ms} ms${waiting}`, cause);
}

class Skip extends Error {
  readonly #reason: string;

  constructor(reason: string) {
    super(`skipped: ${reason}`);
    this.#reason = reason;
  }

  get reason(): string {
    return this.#reason;
  }

  /** Asks nothing of what was thrown: `instanceof` could be answered by a Proxy. */
  static is(thrown: unknown): thrown is Skip {
    return typeof thrown === "object" && thrown !== null && #reason in thrown;
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}
