import { endingSignal, EXIT, SIGNAL_EXIT } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Failure, Interruption } from "./events.ts";
import { countChecks, countKnown, failuresOf, isFlaky, unexpectedPasses } from "./run-state.ts";
import { undivided } from "./exit-code.quirk.ts";
import type { RunState } from "./run-state.ts";

/** Verdict on a check that passes only after a retry. */
export type FlakyPolicy = "pass" | "fail";

/**
 * The exit code that a run's events come to. A bug of pvh casts doubt on everything and comes
 * first; a failure of the product is a fact, whatever else went wrong beside it; then what kept
 * the run from judging.
 */
export function exitCodeOf(
  state: RunState,
  interrupted?: Interruption,
  flaky: FlakyPolicy = "fail",
): ExitCode {
  return undivided(state, dividedCode(state, interrupted, flaky));
}

function dividedCode(
  state: RunState,
  interrupted: Interruption | undefined,
  flaky: FlakyPolicy,
): ExitCode {
  const signal = endingSignal(interrupted);
  if (signal !== undefined) return SIGNAL_EXIT[signal];
  const failures = failuresOf(state);
  const has = (of: (failure: Failure) => boolean): boolean => failures.some(of);
  if (has((failure) => failure.class === "harness")) return EXIT.bug;
  if (has((failure) => isJudgement(failure))) return EXIT.failed;
  if (has((failure) => failure.code === "PVH_NEVER_READY")) return EXIT.neverReady;
  if (interrupted === "deadline" || has((failure) => failure.code === "PVH_DEADLINE")) {
    return EXIT.deadline;
  }
  if (has((failure) => failure.class === "infra")) return EXIT.infra;
  if (has((failure) => failure.class === "usage")) return EXIT.usage;
  const { passed, failed } = countChecks(state);
  // A failed check without its reason is one that the record has lost.
  if (failed > 0) return EXIT.bug;
  if (passed === 0 && countKnown(state) === 0) return EXIT.nothing;
  if (state.started?.baseline?.strict === true && unexpectedPasses(state).length > 0) {
    return EXIT.failed;
  }
  const isUnsure = [...state.scenarios.values()].some(isFlaky);
  return isUnsure && flaky === "fail" ? EXIT.flaky : EXIT.pass;
}

/** Reason of a run's exit code, in one line; undefined for a pass. */
export function exitReason(state: RunState): string | undefined {
  const code = state.finished?.exitCode ?? EXIT.bug;
  const flaky = [...state.scenarios.values()].filter(isFlaky).map(({ name }) => name);
  switch (code) {
    case EXIT.pass:
      return undefined;
    case EXIT.nothing:
      return "nothing was judged: every check was skipped";
    case EXIT.failed:
      return failuresOf(state).length > 0
        ? "a check failed"
        : "a check passed that is known to fail: the baseline is out of date";
    case EXIT.flaky:
      return `flaky: ${flaky.join(", ")} passed only after a retry`;
    default:
      return MEANINGS[code] ?? "the run did not end";
  }
}

const MEANINGS: Readonly<Record<number, string>> = {
  [EXIT.usage]: "the image, a scenario file, a row of the catalogue or what they name is wrong",
  [EXIT.infra]: "engine, image or machine failed",
  [EXIT.neverReady]: "an appengine never reached READY",
  [EXIT.bug]: "pvh itself failed",
  [EXIT.deadline]: "a deadline passed",
  [EXIT.sighup]: "cancelled by SIGHUP",
  [EXIT.sigint]: "cancelled by SIGINT",
  [EXIT.sigterm]: "cancelled by SIGTERM",
};

/** It says something of the thing under test or of the scenario, beyond a boot or a deadline. */
function isJudgement({ class: of, code }: Failure): boolean {
  if (of !== "product" && of !== "scenario") return false;
  return code !== "PVH_NEVER_READY" && code !== "PVH_DEADLINE";
}
