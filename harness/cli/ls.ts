import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { nothingSelected } from "../project/project.ts";
import { discover, isBroken, problemsOf } from "../run/discover.ts";
import { select } from "../run/selection.ts";
import type { Call } from "./command.ts";
import { shownTable } from "./shown-table.ts";

/** `pvh` and `pvh ls [filter…]`: the scenarios, one a line. */
export async function lsCommand({ args, out }: Call): Promise<ExitCode> {
  const all = select(await discover(), args.words.join(" "));
  const problems = problemsOf(all.map(({ scenario }) => scenario));
  for (const problem of problems) out.say(`pvh: ${problem}`);
  const selected = all.filter(({ scenario }) => !isBroken(scenario));
  if (args.flag("json")) {
    const listed = selected.map(({ scenario, checks }) => ({
      name: scenario.name,
      suite: scenario.suite,
      summary: scenario.summary,
      checks,
      tags: scenario.tags,
      requires: scenario.requires,
      alone: scenario.alone,
      shares: scenario.shares,
      file: scenario.file,
    }));
    out.data(JSON.stringify(listed, null, 2));
  } else if (selected.length > 0) {
    const rows = selected.map(({ scenario, checks }) => [
      scenario.name,
      scenario.suite,
      String(checks.length),
      scenario.summary,
    ]);
    out.data(shownTable(["SCENARIO", "SUITE", "CHECKS", "WHAT IT SHOWS"], rows));
    out.say("\npvh scenario NAME runs one, pvh run all; pvh --help shows the commands");
  } else {
    out.say(await nothingSelected());
  }
  if (problems.length > 0) return EXIT.usage;
  return selected.length > 0 ? EXIT.pass : EXIT.nothing;
}
