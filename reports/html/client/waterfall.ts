import type { ReportData } from "../report-data.ts";
import type { ShownScenario } from "../shown-scenarios.ts";
import { h, seconds } from "./dom.ts";
import { linkTo } from "./route.ts";

const MOST = 200;

/** A bar for each scenario on the run's clock: boot by stages, checks, evidence, removal. */
export function waterfall({ scenarios, run }: ReportData): HTMLElement {
  const end = Math.max(run.ms, ...scenarios.map(({ at, ms }) => at + ms), 1);
  const rows = scenarios.slice(0, MOST).map((scenario) => row(scenario, end));
  return h(
    "div",
    { class: "waterfall" },
    h(
      "p",
      { class: "legend" },
      ...(["boot", "checks", "evidence", "removal"] as const).flatMap((part) => [
        h("span", { class: `swatch ${part}` }),
        ` ${part} `,
      ]),
      `— the run took ${seconds(end)}`,
    ),
    h("ol", {}, ...rows),
    scenarios.length > MOST && h("p", {}, `${scenarios.length - MOST} more scenarios`),
  );
}

function row(scenario: ShownScenario, end: number): HTMLElement {
  const { name, at, ms, stages, checksMs, evidenceMs, removalMs } = scenario;
  const boot = stages.reduce((sum, stage) => sum + stage.ms, 0);
  const told = `${name}: ${seconds(ms)}, boot ${seconds(boot)}, checks ${seconds(checksMs)}`;
  const parts: readonly (readonly [string, string, number])[] = [
    ...stages.map((stage) => ["boot", stage.stage, stage.ms] as const),
    ["checks", "checks", Math.max(0, Math.min(checksMs, ms - boot))],
    ["evidence", "evidence", evidenceMs],
    ["removal", "removal", removalMs],
  ];
  let left = at;
  const bars = parts.map(([kind, what, length]) => {
    const bar = h("span", { class: `bar ${kind}`, title: `${what} ${seconds(length)}` });
    bar.style.left = `${(left / end) * 100}%`;
    bar.style.width = `${(length / end) * 100}%`;
    left += length;
    return bar;
  });
  return h(
    "li",
    { title: told },
    h("a", { href: linkTo("scenarios", name) }, name),
    h("span", { class: "track", role: "img", "aria-label": told }, ...bars),
    h("span", { class: "ms" }, seconds(ms)),
  );
}
