import type { RunOptions } from "../run.ts";

/** Options of a run without an engine, in which nothing is left to chance. */
export const PLAIN_RUN: Omit<RunOptions, "command"> = {
  profile: "strict",
  quirks: [],
  keep: "failed",
  watch: "off",
  timeoutScale: 1,
  seed: 7,
  jobs: 2,
  order: "given",
  repeat: 1,
  retries: 0,
  maxFailures: Infinity,
  flaky: "fail",
};
