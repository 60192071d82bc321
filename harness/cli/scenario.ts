import type { ExitCode } from "../../reports/exit-codes.ts";
import { discoverNamed } from "../run/discover.ts";
import { wholly } from "../run/selection.ts";
import type { Call } from "./command.ts";
import { runSelected } from "./run.ts";
import { withProject } from "./project-args.ts";
import { readRunFlags } from "./run-flags.ts";

/**
 * `pvh scenario <name…>`: run these scenarios, each once, in this order.
 * @throws PvhError PVH_USAGE with near names for one that does not exist
 */
export async function scenarioCommand(call: Call): Promise<ExitCode> {
  const flags = readRunFlags(await withProject(call.args), "given");
  const names = [...new Set(call.args.words)];
  const selected = wholly(await discoverNamed(names));
  return runSelected(selected, flags, ["scenario", ...call.args.words], call);
}
