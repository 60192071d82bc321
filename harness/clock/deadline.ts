import { PvhError } from "../errors.ts";
import type { Wait } from "../../reports/failure-details.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** A wait ends after so many times its deadline, however little time it was given. */
export const MOST_STRETCH = 10;
/** Share below which a message about time says how much of it the machine gave. */
const BUSY = 0.8;
// Kept before a scenario can put fake timers in their place, where no deadline would ever pass.
const { setTimeout, clearTimeout } = globalThis;
/** Milliseconds between two looks at a deadline that should be over by the wall. */
const SHORTEST = 20;

/**
 * The end of a wait: reached when its milliseconds were given, or when MOST_STRETCH times as
 * many have passed on the wall. Then it is not known whether the thing waited for is slow.
 */
export class Deadline implements Disposable {
  /** Milliseconds that it allows, `--timeout-scale` included. */
  readonly ms: number;
  readonly #watch: Stopwatch;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(watch: Stopwatch, ms: number) {
    this.ms = ms;
    this.#watch = watch;
    this.#arm();
  }

  /** Aborted when it is over; the reason is `error("the wait")`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get over(): boolean {
    return this.left <= 0 || this.#watch.wall >= this.ms * MOST_STRETCH;
  }

  /** Milliseconds that must still be given. */
  get left(): number {
    return this.ms - this.#watch.given;
  }

  /** Part of the time since its start that the machine gave, from 0 to 1. */
  get share(): number {
    return this.#watch.share;
  }

  /**
   * Error to throw when the deadline is over. It is PVH_STARVED, which blames the machine, when
   * the wait ended before the promised time was really given.
   */
  error(message: string, cause?: unknown, wait?: Wait): PvhError {
    const details = { cause, ...(wait !== undefined && { wait }) };
    if (this.left > 0 && this.over) {
      return new PvhError("PVH_STARVED", `${message}${this.words}`, {
        hint: "run fewer scenarios at a time (--jobs 1), or on a less busy machine",
        ...details,
      });
    }
    return new PvhError("PVH_TIMEOUT", `${message}${this.words}`, details);
  }

  /** Words about a busy machine for the end of a message; empty when it is not busy. */
  get words(): string {
    if (this.share >= BUSY) return "";
    const percent = Math.round(this.share * 100);
    return ` (the machine gave ${percent} % of ${Math.round(this.#watch.wall)} ms)`;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const most = this.ms * MOST_STRETCH - this.#watch.wall;
    const soonest = Math.max(SHORTEST, Math.min(this.left, most));
    this.#timer = setTimeout(() => {
      if (this.over) this.#controller.abort(this.error(`not done after ${Math.round(this.ms)} ms`));
      else this.#arm();
    }, soonest).unref();
  }
}
