import { countChecks, isFlaky, lastAttempt } from "./run-state.ts";
import type { Counts, RunState } from "./run-state.ts";

export interface Summary {
  readonly version: 1;
  readonly run: string;
  readonly image: string;
  readonly profile: string;
  readonly quirks: readonly string[];
  readonly seed: number;
  readonly exitCode: number;
  readonly ms: number;
  readonly checks: Counts;
  readonly scenarios: readonly ScenarioSummary[];
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
}

/** summary.json: the run in one object. */
export function summarise(state: RunState): Summary {
  const { started, finished } = state;
  return {
    version: 1,
    run: started?.run ?? "",
    image: started?.image ?? "",
    profile: started?.profile ?? "",
    quirks: started?.quirks ?? [],
    seed: started?.seed ?? 0,
    exitCode: finished?.exitCode ?? 0,
    ms: Math.round(finished?.ms ?? 0),
    checks: countChecks(state),
    scenarios: [...state.scenarios.values()].map((scenario) => {
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
      };
    }),
  };
}
