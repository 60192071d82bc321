import type { ExitCode } from "../../reports/exit-codes.ts";
import { discoverNamed, scenarioNames } from "../run/discover.ts";
import { unknownName } from "../run/selection.ts";
import type { Call } from "./command.ts";
import { runSelected } from "./run.ts";
import { readRunFlags } from "./run-flags.ts";

/**
 * `pvh scenario <name…>`: run these scenarios, each once, in this order.
 * @throws PvhError PVH_USAGE with near names for one that does not exist
 */
export async function scenarioCommand(call: Call): Promise<ExitCode> {
  const flags = readRunFlags(call.args, "given");
  const names = [...new Set(call.args.words)];
  const all = await discoverNamed(names);
  const selected = names.map((name) => {
    const scenario = all.find((one) => one.name === name);
    if (scenario === undefined) throw unknownName("scenario", name, scenarioNames());
    return { scenario, checks: scenario.checks.map(({ id }) => id) };
  });
  return runSelected(selected, flags, ["scenario", ...call.args.words], call);
}
