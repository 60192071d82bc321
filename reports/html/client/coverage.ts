import type { ReportData } from "../report-data.ts";
import { badge, h } from "./dom.ts";
import { filterField } from "./filter-field.ts";
import { linkTo } from "./route.ts";

/** The promises of the catalogue, with the verdict that this run gives on each. */
export function coverage({ promises, scenarios }: ReportData): Node[] {
  const verdicts = new Map<string, { readonly verdict: string; readonly scenario: string }>();
  for (const { name, checks } of scenarios) {
    for (const { id, verdict } of checks) {
      if (verdicts.get(id)?.verdict !== "failed") verdicts.set(id, { verdict, scenario: name });
    }
  }
  const list = h("div");
  const show = (text: string): void => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = promises.map((row) => ({ ...row, ...(verdicts.get(row.id) ?? NOT_RUN) }));
    const found = rows.filter(({ id, promise, verdict }) =>
      words.every((word) =>
        word.startsWith("s:")
          ? verdict.startsWith(word.slice(2))
          : `${id} ${promise}`.toLowerCase().includes(word),
      ),
    );
    const suites = [...new Set(found.map(({ suite }) => suite))];
    list.replaceChildren(
      ...suites.map((suite) => {
        const own = found.filter((row) => row.suite === suite);
        const judged = own.filter(({ verdict }) => /^(passed|failed)$/.test(verdict)).length;
        return h(
          "section",
          {},
          h("h2", {}, `${suite}: ${judged} of ${own.length} judged`),
          ...own.map(({ id, promise, verdict, scenario }) =>
            h(
              "p",
              { class: "row" },
              badge(verdict),
              " ",
              scenario === "" ? id : h("a", { href: linkTo("scenarios", scenario, id) }, id),
              ` ${promise}`,
            ),
          ),
        );
      }),
    );
  };
  show("");
  return [
    h("h1", {}, "Coverage of the catalogue"),
    filterField("words, s:failed, s:not", show),
    list,
  ];
}

const NOT_RUN = { verdict: "not run", scenario: "" };
