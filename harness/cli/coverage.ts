import { coverageMarkdown } from "../../reports/coverage.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { PROMISE_SOURCES, catalogue, catalogueProblems } from "../catalogue/catalogue.ts";
import { coverageOf } from "../catalogue/coverage.ts";
import { discover, problemsOf } from "../run/discover.ts";
import type { Call } from "./command.ts";
import { shownTable } from "./shown-table.ts";

/** `pvh coverage`: the promises of the catalogue and the scenarios that check them. */
export async function coverageCommand({ args, out }: Call): Promise<ExitCode> {
  const scenarios = await discover();
  const coverage = coverageOf(catalogue().values(), scenarios);
  const rows = catalogueProblems().map(({ message }) => message);
  const problems = new Set([...rows, ...problemsOf(scenarios)]);
  for (const problem of problems) out.say(`pvh: ${problem}`);
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
  return problems.size > 0 ? EXIT.usage : EXIT.pass;
}
