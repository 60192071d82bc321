import type { TestProject } from "vitest/node";
import { makeRunDirectory } from "./run-directory.ts";
import { discover } from "./discover.ts";
import { prepareRun } from "./prepare-run.ts";
import { planScenario } from "./run-settings.ts";

/**
 * Global set-up of the vitest project `scenarios`: what `pvh run` does before it starts vitest,
 * for a vitest that an editor or a developer started.
 */
export async function setup(project: TestProject): Promise<void> {
  const scenarios = await discover();
  const prepared = await prepareRun(
    scenarios,
    {},
    {
      progress: (line) => void process.stderr.write(`${line}\n`),
    },
  );
  const { image, reference, abilities } = prepared;
  const { run, folder } = makeRunDirectory();
  project.provide("pvh", {
    run,
    folder,
    image,
    reference,
    abilities,
    quirks: [],
    keep: "failed",
    watch: "off",
    timeoutScale: 1,
    seed: 1,
    repetition: 1,
    attempt: 1,
    journals: false,
    shares: {},
    scenarios: Object.fromEntries(
      scenarios.map((scenario) => {
        const checks = scenario.checks.map(({ id }) => id);
        return [scenario.name, planScenario(scenario, checks, prepared)];
      }),
    ),
  });
}
