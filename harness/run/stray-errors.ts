import { toFailure } from "../failure.ts";
import type { Failure } from "../../reports/events.ts";
import type { Testimony } from "./testimony.ts";

/**
 * Testifies of errors that nothing caught, at once: the process may be about to end. A rejection
 * that is awaited later after all is taken back.
 *
 * vitest leaves such errors to whoever else listens, and hands over those before this one does.
 */
export class StrayErrors {
  /** The check that runs now. */
  during: string | undefined;
  readonly #scenario: string;
  readonly #record: (testimony: Testimony) => void;
  #count = 0;

  constructor(scenario: string, record: (testimony: Testimony) => void) {
    this.#scenario = scenario;
    this.#record = record;
    if (running !== undefined) return;
    listen();
    this.begin();
  }

  /** The errors from now on are those of this scenario. */
  begin(): void {
    const scenario = this.#scenario;
    running = {
      tell: (failure) => this.#tell(failure),
      handled: (stray) => this.#record({ type: "stray.handled", scenario, stray }),
    };
  }

  /** @returns number of the error */
  #tell(failure: Failure): number {
    this.#count += 1;
    this.#record({
      type: "stray",
      scenario: this.#scenario,
      stray: this.#count,
      ...(this.during !== undefined && { check: this.during }),
      failure,
    });
    return this.#count;
  }
}

/** The scenario that runs, in a process that runs several. */
let running:
  | {
      /** @returns number of the error */
      readonly tell: (failure: Failure) => number;
      /** Take back an error that has been told. */
      readonly handled: (stray: number) => void;
    }
  | undefined;

function listen(): void {
  const rejected = new WeakMap<Promise<unknown>, () => void>();
  process.on("uncaughtException", (error: unknown) => void running?.tell(toFailure(error)));
  process.on("unhandledRejection", (reason: unknown, promise) => {
    const strays = running;
    const stray = strays?.tell(toFailure(reason));
    if (stray !== undefined) rejected.set(promise, () => strays?.handled(stray));
  });
  process.on("rejectionHandled", (promise) => rejected.get(promise)?.());
  // vitest makes it throw: a check that catches everything would not notice.
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    const message = `process.exit(${String(code ?? "")}) was called`;
    running?.tell({ class: "scenario", code: "PVH_SCENARIO", message });
    return exit(code);
  };
}
