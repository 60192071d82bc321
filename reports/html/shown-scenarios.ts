import { insidePath } from "../inside-path.ts";
import { isFlaky, lastAttempt } from "../run-state.ts";
import type { RunState } from "../run-state.ts";

export interface ShownStage {
  readonly stage: string;
  readonly ms: number;
  readonly ok: boolean;
  readonly appengine: string;
}

export interface ShownCheck {
  readonly id: string;
  readonly title: string;
  readonly verdict: string;
  readonly ms: number;
  /** Reason of a skip, or the first line of a failure. */
  readonly why: string;
}

export interface ShownEvidence {
  /** Below the run directory; the page links it. */
  readonly path: string;
  readonly what: string;
}

/** A scenario by its last attempt, as the page shows it. */
export interface ShownScenario {
  readonly name: string;
  readonly suite: string;
  readonly summary: string;
  readonly file: string;
  readonly verdict: string;
  readonly attempts: number;
  /** Milliseconds from the run's start. */
  readonly at: number;
  readonly ms: number;
  readonly checksMs: number;
  readonly evidenceMs: number;
  readonly removalMs: number;
  readonly stages: readonly ShownStage[];
  readonly checks: readonly ShownCheck[];
  readonly evidence: readonly ShownEvidence[];
  readonly notes: readonly string[];
}

const LONGEST = 300;
const MOST_NOTES = 50;

/** @param begun time of the run's start */
export function shownScenarios(state: RunState, begun: number): ShownScenario[] {
  return [...state.scenarios.values()].map((scenario) => {
    const { name, suite, summary, file, attempts } = scenario;
    const attempt = lastAttempt(scenario);
    const checks = [...attempt.checks.values()].map(
      ({ id, title, verdict, ms, failure, reason = "" }) => ({
        id,
        title: title.slice(0, LONGEST),
        verdict,
        ms: Math.round(ms),
        why: (failure?.message.split("\n", 1)[0] ?? reason).slice(0, LONGEST),
      }),
    );
    return {
      name,
      suite,
      summary,
      file,
      verdict: isFlaky(scenario) ? "flaky" : (attempt.verdict ?? "unfinished"),
      attempts: attempts.length,
      at: Math.round(attempt.t - begun),
      ms: Math.round(attempt.ms),
      checksMs: checks.reduce((sum, { ms }) => sum + ms, 0),
      evidenceMs: Math.round(attempt.evidenceMs),
      removalMs: Math.round(attempt.removalMs),
      stages: attempt.stages.map(({ stage, ms, ok, appengine }) => ({
        stage,
        ms: Math.round(ms),
        ok,
        appengine,
      })),
      checks,
      evidence: attempt.evidence.filter(({ path }) => insidePath(path) !== undefined),
      notes: attempt.notes.slice(0, MOST_NOTES).map((note) => note.slice(0, LONGEST)),
    };
  });
}
