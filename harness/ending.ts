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
  work: 4_000,
  /** Deadline of removal: the rest is named, and left to the next pvh. */
  removal: 5_800,
  /** Deadline of the last look at the engine, where a command has just ended. */
  lastLook: 6_400,
  /** pvh exits, whatever it still waits for; docs/exit-codes.md promises 10 s, and the
   * end of a process takes a second of them on a machine with 30 others at work. */
  exit: 6_800,
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
