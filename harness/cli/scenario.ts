import type { ExitCode } from "../../reports/exit-codes.ts";
import { discover } from "../run/discover.ts";
import { unknownName } from "../run/selection.ts";
import type { Call } from "./command.ts";
import { runSelected } from "./run.ts";
import { readRunFlags } from "./run-options.ts";

/**
 * `pvh scenario <name…>`: run these scenarios, each once, in this order.
 * @throws PvhError PVH_USAGE with near names for one that does not exist
 */
export async function scenarioCommand(call: Call): Promise<ExitCode> {
  const flags = readRunFlags(call.args);
  const all = await discover();
  const selected = [...new Set(call.args.words)].map((name) => {
    const scenario = all.find((one) => one.name === name);
    if (scenario === undefined) {
      throw unknownName(
        "scenario",
        name,
        all.map((one) => one.name),
      );
    }
    return { scenario, checks: scenario.checks.map(({ id }) => id) };
  });
  return runSelected(selected, flags, ["scenario", ...call.args.words], call);
}
