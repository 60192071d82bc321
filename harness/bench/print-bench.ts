import { table } from "../../reports/table.ts";
import { FIGURES, SUITES } from "./figures.ts";
import type { Figure } from "./figures.ts";
import type { BenchResult, Row } from "./run-bench.ts";
import type { ThresholdVerdict } from "./thresholds.ts";

/** One table per suite: the figure of each relay and, in parentheses, its ratio to direct. */
export function printBench({ rows, notInstalled }: BenchResult): string {
  const tables = SUITES.flatMap((suite) => {
    const own = rows.filter((row) => row.suite === suite);
    if (own.length === 0) return [];
    const figures = FIGURES.filter((figure) => figure.suite === suite);
    const direct = own.find(({ relay }) => relay === "direct");
    return [
      table(
        [suite, ...figures.map(({ title }) => title)],
        own.map((row) => [row.relay, ...figures.map((figure) => cell(figure, row, direct))]),
      ),
    ];
  });
  const missing = notInstalled.length === 0 ? [] : [`not installed: ${notInstalled.join(", ")}`];
  return [...tables, ...missing].join("\n\n");
}

export function printVerdicts(verdicts: readonly ThresholdVerdict[]): string {
  return table(
    ["verdict", "suite", "figure", "broker", "limit", "of"],
    verdicts.map(({ threshold: { suite, figure, factor, of }, value, limit, verdict }) => [
      verdict,
      suite,
      figure,
      value === undefined ? "-" : number(value),
      limit === undefined ? "-" : number(limit),
      of === undefined ? `${factor}` : `${factor} × ${of}`,
    ]),
  );
}

function cell({ name }: Figure, row: Row, direct: Row | undefined): string {
  const value = row.values[name];
  if (value === undefined) return "-";
  const reference = direct?.values[name];
  if (reference === undefined || reference === 0) return number(value);
  return `${number(value)} (${(value / reference).toFixed(2)})`;
}

function number(value: number): string {
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)}k`;
  return Number.isInteger(value) ? `${value}` : value.toPrecision(3);
}
