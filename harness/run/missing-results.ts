import type { Failure, RecordedEvent, RunEvent } from "./events.ts";
import type { DiscoveredScenario } from "./discover.ts";
import { recordedName } from "./run-settings.ts";
import type { Selected } from "./selection.ts";

/** Why a scenario that was to run has no result. */
export type WhyMissing = { readonly reason: string } | { readonly failure: Failure };

/**
 * Events that complete a round: each selected scenario gets an end, each of its checks a
 * verdict, also where the worker died, the file did not load, or the run was cancelled.
 */
export function missingResults(
  events: readonly RecordedEvent[],
  selected: readonly Selected<DiscoveredScenario>[],
  round: { readonly repetition: number; readonly attempt: number },
  why: (scenario: DiscoveredScenario) => WhyMissing,
): RunEvent[] {
  return selected.flatMap(({ scenario, checks }) => {
    const name = recordedName(scenario.name, round.repetition);
    const mine = events.filter((event) => "scenario" in event && event.scenario === name);
    const started = mine.findLastIndex(({ type }) => type === "scenario.started");
    const attempt = started < 0 ? [] : mine.slice(started);
    const begun = attempt[0]?.type === "scenario.started" && attempt[0].attempt === round.attempt;
    if (begun && attempt.some(({ type }) => type === "scenario.finished")) return [];
    const done = new Set(
      begun ? attempt.flatMap((one) => (one.type === "check.finished" ? [one.check] : [])) : [],
    );
    return complete(name, scenario, checks, { begun, done, attempt: round.attempt }, why(scenario));
  });
}

function complete(
  name: string,
  scenario: DiscoveredScenario,
  checks: readonly string[],
  so: { readonly begun: boolean; readonly done: ReadonlySet<string>; readonly attempt: number },
  why: WhyMissing,
): RunEvent[] {
  const titles = new Map(scenario.definition.checks.map(({ id, title }) => [id, title]));
  const verdict = "failure" in why ? "failed" : "skipped";
  const started: RunEvent = {
    type: "scenario.started",
    scenario: name,
    suite: scenario.suite,
    summary: scenario.summary,
    checks: checks.map((id) => ({ id, title: titles.get(id) ?? id })),
    file: scenario.file,
    attempt: so.attempt,
  };
  return [
    ...(so.begun ? [] : [started]),
    ...checks
      .filter((id) => !so.done.has(id))
      .map((id): RunEvent => ({
        type: "check.finished",
        scenario: name,
        check: id,
        title: titles.get(id) ?? id,
        verdict,
        ms: 0,
        ...why,
      })),
    {
      type: "scenario.finished",
      scenario: name,
      verdict,
      ms: 0,
      ...("failure" in why && { failure: why.failure }),
    },
  ];
}
