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
  readonly #rejected = new WeakMap<Promise<unknown>, number>();
  #count = 0;

  constructor(scenario: string, record: (testimony: Testimony) => void) {
    this.#scenario = scenario;
    this.#record = record;
    process.on("uncaughtException", (error: unknown) => void this.#tell(toFailure(error)));
    process.on("unhandledRejection", (reason: unknown, promise) => {
      this.#rejected.set(promise, this.#tell(toFailure(reason)));
    });
    process.on("rejectionHandled", (promise) => {
      const stray = this.#rejected.get(promise);
      if (stray === undefined) return;
      this.#record({ type: "stray.handled", scenario: this.#scenario, stray });
    });
    // vitest makes it throw: a check that catches everything would not notice.
    const exit = process.exit.bind(process);
    process.exit = (code) => {
      const message = `process.exit(${String(code ?? "")}) was called`;
      this.#tell({ class: "scenario", code: "PVH_SCENARIO", message });
      return exit(code);
    };
  }

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
