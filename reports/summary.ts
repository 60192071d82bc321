import { exitReason } from "./exit-code.ts";
import { countChecks, inOrder, isFlaky, lastAttempt, untoldFailures } from "./run-state.ts";
import type { Counts, OutsideFailure, RunState } from "./run-state.ts";

export interface Summary {
  readonly version: 1;
  readonly run: string;
  readonly image: string;
  /** The engine's id of the image, a digest of its content. */
  readonly imageId?: string;
  /** Set when the strict reference's pv-xconnect mediated in place of the image's own. */
  readonly broker?: "reference";
  readonly profile: string;
  readonly quirks: readonly string[];
  readonly seed: number;
  /** Exit code of the run; 70 for one that did not end. */
  readonly exitCode: number;
  /** Reason why `exitCode` is not 0. */
  readonly exitReason?: string;
  /** Cause that cut the run short: the name of a signal, or deadline. */
  readonly interrupted?: string;
  readonly ms: number;
  readonly checks: Counts;
  /** Failures of the run itself. */
  readonly failures: readonly FailureSummary[];
  readonly scenarios: readonly ScenarioSummary[];
}

/** A failure outside of any check. */
export interface FailureSummary {
  readonly where: string;
  readonly code: string;
  readonly message: string;
}

export interface ScenarioSummary {
  readonly name: string;
  readonly suite: string;
  readonly verdict: "passed" | "failed" | "skipped" | "flaky";
  readonly attempts: number;
  readonly ms: number;
  readonly bootMs: number;
  readonly checks: readonly {
    readonly id: string;
    readonly verdict: string;
    readonly ms: number;
    readonly code?: string;
    readonly message?: string;
  }[];
  /** Failures of the scenario outside of its checks. */
  readonly failures: readonly FailureSummary[];
}

/** summary.json: the run in one object. */
export function summarise(state: RunState): Summary {
  const { started, finished } = state;
  const reason = exitReason(state);
  return {
    version: 1,
    run: started?.run ?? "",
    image: started?.image ?? "",
    ...(state.imageId !== undefined && { imageId: state.imageId }),
    ...(state.broker !== undefined && { broker: state.broker }),
    profile: started?.profile ?? "",
    quirks: started?.quirks ?? [],
    seed: started?.seed ?? 0,
    exitCode: finished?.exitCode ?? 70,
    ...(reason !== undefined && { exitReason: reason }),
    ...(finished?.interrupted !== undefined && { interrupted: finished.interrupted }),
    ms: Math.round(finished?.ms ?? 0),
    checks: countChecks(state),
    failures: state.failures.map(failureSummary),
    scenarios: inOrder(state).map((scenario) => {
      const attempt = lastAttempt(scenario);
      return {
        name: scenario.name,
        suite: scenario.suite,
        verdict: isFlaky(scenario) ? "flaky" : (attempt.verdict ?? "skipped"),
        attempts: scenario.attempts.length,
        ms: Math.round(attempt.ms),
        bootMs: Math.round(attempt.stages.reduce((total, { ms }) => total + ms, 0)),
        checks: [...attempt.checks.values()].map(({ id, verdict, ms, failure, reason }) => {
          const message = failure?.message ?? reason;
          return {
            id,
            verdict,
            ms: Math.round(ms),
            ...(failure && { code: failure.code }),
            ...(message !== undefined && { message }),
          };
        }),
        failures: untoldFailures(attempt).map(failureSummary),
      };
    }),
  };
}

function failureSummary({ where, failure: { code, message } }: OutsideFailure): FailureSummary {
  return { where, code, message };
}
