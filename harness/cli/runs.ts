import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { printableLine } from "../../reports/printable.ts";
import { listedRuns, pruneRuns } from "../run/runs.ts";
import type { Call } from "./command.ts";
import { wholeNumber } from "./parse-value.ts";
import { shownTable } from "./shown-table.ts";

/** `pvh runs`: the runs below the working directory, the newest first; `--prune N` removes all but N. */
export function runsCommand({ args, out }: Call): Promise<ExitCode> {
  const keep = wholeNumber(args, "prune", 1);
  if (keep !== undefined) {
    const removed = pruneRuns({ most: keep });
    out.say(`removed ${removed.length} ${removed.length === 1 ? "run" : "runs"}`);
  }
  const runs = listedRuns();
  if (args.flag("json")) out.data(JSON.stringify(runs, null, 2));
  else if (runs.length === 0) out.say("no runs here; pvh run makes one");
  else {
    const rows = runs.map(({ run, exitCode, passed, failed, skipped, ms, image }) => [
      run,
      exitCode === undefined ? "no end" : String(exitCode),
      ...[passed, failed, skipped].map(String),
      `${(ms / 1000).toFixed(1)} s`,
      printableLine(image),
    ]);
    out.data(shownTable(["RUN", "EXIT", "PASSED", "FAILED", "SKIPPED", "TIME", "IMAGE"], rows));
  }
  return Promise.resolve(EXIT.pass);
}
