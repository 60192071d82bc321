import { compareRuns } from "../compare.ts";
import type { Change } from "../compare.ts";
import { summarise } from "../summary.ts";
import { lastAttempt } from "../run-state.ts";
import type { RunState } from "../run-state.ts";

/** This run beside the last one in which everything passed. */
export interface Comparison {
  readonly run: string;
  /** Facts of image and machine: name, then, now. */
  readonly facts: readonly (readonly [string, string, string])[];
  readonly checks: readonly {
    readonly scenario: string;
    readonly check: string;
    readonly before: string;
    readonly after: string;
    readonly change: Change;
  }[];
  /** Milliseconds of scenarios and stages, then and now. */
  readonly durations: readonly (readonly [string, number, number])[];
}

const MOST_CHECKS = 1_000;

export function comparisonOf(good: RunState, now: RunState): Comparison {
  const checks = compareRuns(summarise(good), summarise(now))
    // A scenario that this run was not asked for says nothing of it.
    .filter(({ change, scenario }) => change !== "same" && now.scenarios.has(scenario))
    .slice(0, MOST_CHECKS)
    .map(({ scenario, check, before, after, change }) => ({
      scenario,
      check,
      before,
      after,
      change,
    }));
  const then = factsOf(good);
  const facts = factsOf(now).map(([name, value], index) => {
    return [name, then[index]?.[1] ?? "", value] as const;
  });
  return { run: good.started?.run ?? "", facts, checks, durations: durationsOf(good, now) };
}

function factsOf(state: RunState): [string, string][] {
  const { started } = state;
  return [
    ["image", started?.image ?? ""],
    ["image id", state.imageId ?? ""],
    ["broker", state.broker ?? "native"],
    ["profile", started?.profile ?? ""],
    ["quirks", started?.quirks.join(",") ?? ""],
    ["seed", String(started?.seed ?? "")],
    ["command", started?.command.join(" ") ?? ""],
    ["host", started?.host.name ?? ""],
    ["kernel", started?.host.kernel ?? ""],
    ["node", started?.host.node ?? ""],
    ["cores", String(started?.host.cores ?? "")],
    ["load", String(started?.host.load ?? "")],
  ];
}

function durationsOf(good: RunState, now: RunState): [string, number, number][] {
  const [then, later] = [timesOf(good), timesOf(now)];
  return [...later].flatMap(([name, ms]): [string, number, number][] => {
    const before = then.get(name);
    return before === undefined ? [] : [[name, Math.round(before), Math.round(ms)]];
  });
}

function timesOf({ scenarios }: RunState): Map<string, number> {
  const times = new Map<string, number>();
  for (const scenario of scenarios.values()) {
    const { ms, stages } = lastAttempt(scenario);
    times.set(scenario.name, ms);
    for (const { stage, ms: of } of stages) {
      const name = `boot: ${stage}`;
      times.set(name, (times.get(name) ?? 0) + of);
    }
  }
  return times;
}
