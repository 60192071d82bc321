/** Exit codes of every pvh command. Documented in docs/exit-codes.md, which a test compares. */
export const EXIT = {
  pass: 0,
  failed: 1,
  usage: 2,
  infra: 3,
  nothing: 4,
  flaky: 5,
  neverReady: 6,
  bug: 70,
  deadline: 124,
  sighup: 129,
  sigint: 130,
  sigterm: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Signals that end pvh with everything cleaned up, and the exit code that tells of each. */
export const SIGNAL_EXIT = {
  SIGHUP: EXIT.sighup,
  SIGINT: EXIT.sigint,
  SIGTERM: EXIT.sigterm,
} as const;

export type EndingSignal = keyof typeof SIGNAL_EXIT;
export const ENDING_SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const satisfies EndingSignal[];

/** The signal that an AbortSignal's reason names, for those that a signal of the system fired. */
export function endingSignal(reason: unknown): EndingSignal | undefined {
  return ENDING_SIGNALS.find((signal) => signal === reason);
}
