import type { ReportData } from "../report-data.ts";
import { h, seconds, table } from "./dom.ts";
import { linkTo } from "./route.ts";

/** Part by which a duration has to change to be worth a look, and the milliseconds. */
const NOTABLE = { part: 0.25, ms: 500 };

/** Differences from the last run in which everything passed. */
export function comparison({ comparison: of, run }: ReportData): Node[] {
  const title = h("h1", {}, "Beside the last good run");
  if (of === undefined) {
    return [title, h("p", {}, "There is no earlier run here in which everything passed.")];
  }
  const facts = of.facts.filter(([, then, now]) => then !== now);
  const slower = of.durations
    .filter(([, then, now]) => {
      const by = Math.abs(now - then);
      return by > NOTABLE.ms && by > then * NOTABLE.part;
    })
    .sort((a, b) => Math.abs(b[2] - b[1]) - Math.abs(a[2] - a[1]))
    .slice(0, 100);
  return [
    title,
    h("p", {}, `${of.run}, then ${run.id}`),
    h("h2", {}, "Image, machine, command"),
    facts.length === 0
      ? h("p", {}, "nothing differs")
      : table("facts that differ", ["fact", "then", "now"], facts),
    h("h2", {}, "Verdicts"),
    of.checks.length === 0
      ? h("p", {}, "nothing differs")
      : table(
          "checks whose verdict differs",
          ["check", "scenario", "then", "now", "change"],
          of.checks.map(({ scenario, check, before, after, change }) => [
            h("a", { href: linkTo("scenarios", scenario, check) }, check),
            scenario,
            before,
            after,
            change,
          ]),
        ),
    h("h2", {}, "Durations"),
    slower.length === 0
      ? h("p", {}, "none differs by a quarter and half a second")
      : table(
          "durations that differ",
          ["of", "then", "now", "change"],
          slower.map(([name, then, now]) => [
            name,
            seconds(then),
            seconds(now),
            `${now > then ? "+" : "−"}${seconds(Math.abs(now - then))}`,
          ]),
        ),
  ];
}
