/**
 * How pvh ends after SIGINT, SIGTERM or SIGHUP: one budget, counted from the signal. A machine
 * may be so busy that each step takes seconds, so no step waits for the one before it longer
 * than this.
 *
 * Milliseconds after the signal.
 */
export const ENDING = {
  /** Deadline of collecting evidence: the rest is cut off, and removal begins. */
  evidence: 1_200,
  /** Deadline of workers and preparations; those still at work are not waited for. */
  work: 3_600,
  /** Deadline of removal: the rest is named, and left to the next pvh. */
  removal: 5_000,
  /** Deadline of the last look at the engine, where a command has just ended, and of the reports. */
  lastLook: 5_500,
  /** pvh exits, whatever it still waits for; docs/exit-codes.md promises 10 s. With 30 others at
   * work, a step of loading modules (cli/in-steps.ts) can delay the signal itself by three. */
  exit: 6_000,
} as const;

/**
 * A signal that fires `ms` after another one has.
 *
 * @param from one that has fired already counts from now, so call this before it does
 */
export function after(from: AbortSignal, ms: number): AbortSignal {
  const controller = new AbortController();
  const start = (): void => {
    const fire = (): void => controller.abort(new Error(`${ms} ms after the signal to end`));
    setTimeout(fire, ms).unref();
  };
  if (from.aborted) start();
  else from.addEventListener("abort", start, { once: true });
  return controller.signal;
}
