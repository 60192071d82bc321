import { failureOf } from "../failure.ts";
import type { Failure } from "../../reports/events.ts";
import type { RecordedTestimony } from "./testimony.ts";

/** Milliseconds that the parts of a scenario's process may take that have no own deadline. */
export interface Patience {
  /** Time from the process's start to its scenario's, in which modules are loaded. */
  readonly load: number;
  /** Time without a sign of life of its main thread, outside of checks. */
  readonly blocked: number;
  /** Time past a check's deadline without a sign of life. */
  readonly grace: number;
  /** Time for the boot, however long its stages may take. */
  readonly setUp: number;
  /** Time between two checks: hooks, evidence, removal of appengines that the check booted. */
  readonly between: number;
  /** Time from the end of its scenario to the end of the process. */
  readonly exit: number;
}

export const PATIENCE: Patience = {
  load: 120_000,
  blocked: 30_000,
  grace: 5_000,
  setUp: 900_000,
  between: 300_000,
  exit: 30_000,
};

/** The process was out of its thread's hands for so long at a look that the time is not counted. */
const LOOK_LIMIT = 1_000;

type Phase =
  | { readonly kind: "load" | "set-up" | "between" | "exit" }
  | { readonly kind: "check"; readonly check: string; readonly deadline: number };

/**
 * Decides when the process of a scenario has to be ended from outside, because nothing in it can
 * do so any more. Pure: it is told of testimonies, signs of life and time.
 *
 * Time is what the watcher itself was given: a machine that stood still, or a watcher that could
 * not run, must not end a process that could not run either.
 */
export class WorkerWatch {
  readonly #patience: Patience;
  #phase: Phase = { kind: "load" };
  #inPhase = 0;
  #silent = 0;

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  hear(testimony: RecordedTestimony): void {
    const phase = phaseAfter(testimony);
    this.#silent = 0;
    if (phase === undefined) return;
    this.#phase = phase;
    this.#inPhase = 0;
  }

  /** Notes a sign of life: the main thread has answered. */
  alive(): void {
    this.#silent = 0;
  }

  /** @returns why it has to be ended now */
  passed(ms: number): Failure | undefined {
    const given = Math.min(Math.max(0, ms), LOOK_LIMIT);
    this.#inPhase += given;
    this.#silent += given;
    const why = this.#overdue();
    return why === undefined ? undefined : failureOf("PVH_DEADLINE", why);
  }

  #overdue(): string | undefined {
    const phase = this.#phase;
    const { load, blocked, grace, setUp, between, exit } = this.#patience;
    const silent = `its thread did not yield for ${seconds(this.#silent)}`;
    switch (phase.kind) {
      case "load":
        return this.#inPhase > load ? `its file was not loaded in ${seconds(load)}` : undefined;
      case "check":
        if (this.#inPhase > phase.deadline + grace && this.#silent > grace) {
          return `${phase.check} did not end by its deadline of ${phase.deadline} ms: ${silent}`;
        }
        // A check that yields ends itself; far beyond that, its deadline was lost.
        return this.#inPhase > 10 * phase.deadline + setUp
          ? `${phase.check} did not end long after its deadline of ${phase.deadline} ms`
          : undefined;
      case "set-up":
      case "between": {
        const what = phase.kind === "set-up" ? "its set-up" : "what follows a check";
        const limit = phase.kind === "set-up" ? setUp : between;
        if (this.#silent > blocked) return `${what} was blocked: ${silent}`;
        return this.#inPhase > limit ? `${what} took longer than ${seconds(limit)}` : undefined;
      }
      case "exit":
        return this.#inPhase > exit
          ? `its process did not end within ${seconds(exit)} after its scenario`
          : undefined;
    }
  }
}

function phaseAfter(testimony: RecordedTestimony): Phase | undefined {
  switch (testimony.type) {
    case "scenario.started":
      return { kind: "set-up" };
    case "check.started": {
      const { check, deadline = 0 } = testimony;
      return { kind: "check", check, deadline };
    }
    case "check.finished":
      return { kind: "between" };
    case "scenario.finished":
      return { kind: "exit" };
    default:
      return undefined;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
