import type { DiscoveredScenario } from "../run/discovered-scenario.ts";
import { prepareRun } from "../run/prepare-run.ts";
import type { Target } from "../run/prepare-run.ts";
import type { Preparation } from "../run/run.ts";
import type { Selected } from "../run/selection.ts";
import type { Output } from "./output.ts";

/** Makes an image and the exports of scenarios ready, and tells what takes long. */
export function preparationOf(
  selected: readonly Selected<DiscoveredScenario>[],
  target: Target,
  out: Output,
  prepare = prepareRun,
): Preparation {
  const scenarios = selected.map(({ scenario }) => scenario);
  return (signal) => prepare(scenarios, target, { signal, progress: (line) => out.say(line) });
}
