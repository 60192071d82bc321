import { EXIT } from "../harness/exit-codes.ts";
import type { ExitCode } from "../harness/exit-codes.ts";
import type { Failure } from "../harness/run/events.ts";
import { countChecks, isFlaky, lastAttempt } from "./run-state.ts";
import type { RunState } from "./run-state.ts";

/**
 * The exit code that a run's events come to. A bug of pvh casts doubt on everything and comes
 * first; a failure of the product is a fact, whatever else went wrong beside it; then what kept
 * the run from judging.
 */
export function exitCodeOf(state: RunState, interrupted?: "SIGINT" | "SIGTERM"): ExitCode {
  if (interrupted !== undefined) return interrupted === "SIGINT" ? EXIT.sigint : EXIT.sigterm;
  const failures = failuresOf(state);
  const has = (of: (failure: Failure) => boolean): boolean => failures.some(of);
  if (has((failure) => failure.class === "harness")) return EXIT.bug;
  if (has((failure) => isProduct(failure) && failure.code !== "PVH_NEVER_READY")) {
    return EXIT.failed;
  }
  if (has(isProduct)) return EXIT.neverReady;
  if (has((failure) => failure.class === "infra")) return EXIT.infra;
  if (has((failure) => failure.class === "usage")) return EXIT.usage;
  if (countChecks(state).passed === 0) return EXIT.nothing;
  return [...state.scenarios.values()].some(isFlaky) ? EXIT.flaky : EXIT.pass;
}

function isProduct(failure: Failure): boolean {
  return failure.class === "product" || failure.class === "scenario";
}

function failuresOf(state: RunState): Failure[] {
  return [...state.scenarios.values()].flatMap((scenario) => {
    const { failure, checks } = lastAttempt(scenario);
    return [failure, ...[...checks.values()].map((check) => check.failure)].filter(
      (one) => one !== undefined,
    );
  });
}
