import { coverageMarkdown } from "../../reports/coverage.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { PROMISE_SOURCES, catalogue, catalogueProblems, isOwn } from "../catalogue/catalogue.ts";
import { coverageOf } from "../catalogue/coverage.ts";
import { currentProject } from "../project/project.ts";
import { discover, problemsOf } from "../run/discover.ts";
import type { Call } from "./command.ts";
import { shownTable } from "./shown-table.ts";

/**
 * `pvh coverage`: the promises of the catalogue and the scenarios that check them. A project that does not
 * run pvh's scenarios has its own promises alone, and those of pvh that it checks.
 */
export async function coverageCommand({ args, out }: Call): Promise<ExitCode> {
  const scenarios = await discover();
  const project = await currentProject();
  const isWhole = project === undefined || project.config.matrix;
  const checked = new Set(scenarios.flatMap(({ checks }) => checks.map(({ id }) => id)));
  const promises = [...catalogue().values()].filter(
    ({ id }) => isWhole || isOwn(id) || checked.has(id),
  );
  const coverage = coverageOf(promises, scenarios);
  if (args.flag("json")) {
    out.data(JSON.stringify(coverage, null, 2));
  } else if (args.flag("markdown")) {
    out.data(coverageMarkdown(coverage, PROMISE_SOURCES).trimEnd());
  } else {
    const rows = coverage.rows.map(({ id, scenarios, promise }) => [
      id,
      scenarios.join(", ") || "-",
      promise.length > 90 ? `${promise.slice(0, 89)}…` : promise,
    ]);
    out.data(shownTable(["CHECK", "SCENARIO", "PROMISE"], rows));
    for (const { suite, covered, rows: all } of coverage.suites) {
      out.say(`${suite.padEnd(10)} ${String(covered).padStart(3)} of ${all}`);
    }
    out.say(
      `${"all".padEnd(10)} ${String(coverage.covered).padStart(3)} of ${coverage.rows.length}`,
    );
  }
  const problems = problemsOf(scenarios, catalogueProblems());
  for (const problem of problems) out.say(`pvh: ${problem}`);
  return problems.length > 0 ? EXIT.usage : EXIT.pass;
}
