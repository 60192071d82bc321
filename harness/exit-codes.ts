/** Exit codes of every pvh command; docs/exit-codes.md is generated from this table. */
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
  sigint: 130,
  sigterm: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
