import { setTimeout as pause } from "node:timers/promises";

/**
 * A server that stops answering, for the quirks that imitate one; in strict every request
 * passes at once.
 */
export class Stall {
  readonly #reasons = new Set<Promise<unknown>>();
  #delay = 0;

  /** Requests wait while this promise is pending. */
  holdUntil(reason: Promise<unknown>): void {
    this.#reasons.add(reason);
    void reason.finally(() => this.#reasons.delete(reason));
  }

  /** Make each request from now on wait this long. */
  slowDown(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  async pass(): Promise<void> {
    if (this.#delay > 0) await pause(this.#delay, undefined, { ref: false });
    while (this.#reasons.size > 0) await Promise.race(this.#reasons);
  }
}
