import type { Excerpt, ReportData } from "../report-data.ts";
import type { ShownCheck, ShownScenario } from "../shown-scenarios.ts";
import { badge, h, portions, seconds, table } from "./dom.ts";
import { failureBlock } from "./failures.ts";
import { filterField } from "./filter-field.ts";
import { linkTo } from "./route.ts";

/** All scenarios, filtered; or one of them, with its checks. */
export function scenarios(data: ReportData, [name, check]: readonly string[]): Node[] {
  const one = data.scenarios.find((scenario) => scenario.name === name);
  return one === undefined ? allScenarios(data) : oneScenario(data, one, check);
}

function allScenarios({ scenarios: all }: ReportData): Node[] {
  const list = h("div");
  const show = (wanted: string): void => {
    const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter((one) => words.every((word) => matches(one, word)));
    list.replaceChildren(portions(found, 100, summaryOf));
    told.textContent = `${found.length} of ${all.length}`;
  };
  const told = h("p", { "aria-live": "polite" });
  const field = filterField("names, suites, check ids, s:failed", show);
  show("");
  return [h("h1", {}, "Scenarios"), field, told, list];
}

function matches({ name, suite, verdict, checks }: ShownScenario, word: string): boolean {
  if (word.startsWith("s:")) {
    const wanted = word.slice(2);
    return verdict === wanted || checks.some((check) => check.verdict === wanted);
  }
  return [name, suite, ...checks.map(({ id }) => id)].some((text) =>
    text.toLowerCase().includes(word),
  );
}

function summaryOf({ name, suite, verdict, checks, ms, summary }: ShownScenario): HTMLElement {
  const failed = checks.filter((check) => check.verdict === "failed").length;
  return h(
    "p",
    { class: "row" },
    badge(verdict),
    " ",
    h("a", { href: linkTo("scenarios", name) }, name),
    h("span", { class: "dim" }, ` ${suite}, ${checks.length} checks, ${seconds(ms)}`),
    failed > 0 && `, ${failed} failed`,
    h("br"),
    h("span", { class: "dim" }, summary),
  );
}

function oneScenario(
  { failures, excerpts }: ReportData,
  scenario: ShownScenario,
  check: string | undefined,
): Node[] {
  const { name, verdict, summary, file, ms, attempts, stages, checks, evidence, notes } = scenario;
  const own = failures.filter((failure) => failure.scenario === name);
  const ofCheck = own.filter((failure) => check === undefined || failure.check === check);
  return [
    h("h1", {}, name, " ", badge(verdict)),
    h("p", {}, summary),
    h(
      "p",
      { class: "dim" },
      `${file}, ${seconds(ms)}`,
      attempts > 1 && `, ${attempts} attempts`,
      " ",
      h("a", { href: linkTo("timeline", name) }, "timeline"),
      " ",
      h("a", { href: linkTo("logs", name) }, "logs"),
    ),
    ...ofCheck.slice(0, 20).map(failureBlock),
    ofCheck.length > 20 ? h("p", {}, `${ofCheck.length - 20} more failures`) : h("span"),
    h("h2", {}, "Checks"),
    portions(checks, 200, (one) => checkRow(name, one, one.id === check)),
    h("h2", {}, "Boot"),
    table(
      "stages of the boot",
      ["stage", "time", "appengine"],
      stages.map((stage) => [
        `${stage.stage}${stage.ok ? "" : " failed"}`,
        seconds(stage.ms),
        stage.appengine,
      ]),
    ),
    ...(evidence.length === 0 ? [] : [h("h2", {}, "Evidence"), evidenceList(scenario, excerpts)]),
    ...(notes.length === 0
      ? []
      : [h("h2", {}, "Notes"), h("ul", {}, ...notes.map((note) => h("li", {}, note)))]),
  ];
}

function checkRow(scenario: string, check: ShownCheck, isCurrent: boolean): HTMLElement {
  const { id, title, verdict, ms, why } = check;
  return h(
    "p",
    { class: isCurrent ? "row current" : "row" },
    badge(verdict),
    " ",
    h("a", { href: linkTo("scenarios", scenario, id) }, id),
    ` ${title} `,
    h("span", { class: "dim" }, seconds(ms)),
    why !== "" && h("br"),
    why !== "" && h("span", { class: "why" }, why),
  );
}

/** Files beside the page, linked, with the end of those that tell most. */
function evidenceList({ evidence }: ShownScenario, excerpts: readonly Excerpt[]): HTMLElement {
  return h(
    "ul",
    { class: "evidence" },
    ...evidence.map(({ path, what }) => {
      const excerpt = excerpts.find((one) => one.path === path || one.path.startsWith(`${path}/`));
      return h(
        "li",
        {},
        h("a", { href: `./${path.split("/").map(encodeURIComponent).join("/")}` }, path),
        ` ${what}`,
        excerpt !== undefined &&
          h(
            "details",
            {},
            h("summary", {}, `the end of ${excerpt.path}, of ${excerpt.bytes} bytes`),
            h("pre", { tabindex: "0" }, excerpt.text),
          ),
      );
    }),
  );
}
