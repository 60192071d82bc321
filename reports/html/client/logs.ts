import type { ReportData } from "../report-data.ts";
import type { Moment } from "../timelines.ts";
import { h, portions } from "./dom.ts";
import { filterField } from "./filter-field.ts";
import { linkTo } from "./route.ts";

interface Line {
  readonly scenario: string;
  readonly from: number;
  readonly moment: Moment;
}

const PORTION = 400;

/** The logs of all scenarios, or of one, merged by time and filtered. */
export function logs(data: ReportData, [wanted]: readonly string[]): Node[] {
  const lines = data.timelines
    .filter(({ scenario }) => wanted === undefined || scenario === wanted)
    .flatMap(({ scenario, from, moments }): Line[] =>
      moments
        .filter(([, , kind]) => kind !== "stage" && kind !== "check")
        .map((moment) => ({ scenario, from, moment })),
    )
    .sort((a, b) => a.moment[0] - b.moment[0]);
  const list = h("div", { class: "log-lines" });
  const told = h("p", { "aria-live": "polite" });
  const show = (text: string): void => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = lines.filter((line) => words.every((word) => matches(line, word)));
    told.textContent = `${found.length} of ${lines.length} lines`;
    list.replaceChildren(portions(found, PORTION, (line) => lineOf(line, wanted === undefined)));
  };
  show("");
  return [
    h("h1", {}, wanted === undefined ? "Logs" : `Logs of ${wanted}`),
    ...(wanted === undefined
      ? []
      : [h("p", {}, h("a", { href: linkTo("logs") }, "all scenarios"))]),
    filterField("words, source:pantavisor, kind:control, level:error, !word", show),
    told,
    list,
  ];
}

function matches({ scenario, moment: [, , kind, name, detail] }: Line, word: string): boolean {
  if (word.startsWith("!") && word.length > 1) {
    return !`${scenario} ${name} ${detail}`.toLowerCase().includes(word.slice(1));
  }
  const [key = "", value = ""] = word.split(/:(.*)/s);
  if (key === "source" && value !== "") return name.toLowerCase().includes(value);
  if (key === "kind" && value !== "") return kind === value;
  if (key === "level" && value !== "") return levelOf(detail) === value.toUpperCase();
  return `${scenario} ${name} ${detail}`.toLowerCase().includes(word);
}

function lineOf({ scenario, from, moment }: Line, withScenario: boolean): HTMLElement {
  const [at, , kind, name, detail] = moment;
  const level = kind === "log" ? levelOf(detail) : "";
  const where = linkTo("timeline", scenario, Math.max(0, at - from));
  return h(
    "p",
    { class: `line ${kind} ${level}` },
    h("a", { href: where, class: "at" }, (at / 1000).toFixed(2)),
    " ",
    withScenario && h("span", { class: "dim" }, `${scenario} `),
    h("span", { class: "source" }, kind === "log" ? shortSource(name) : kind),
    " ",
    kind === "log" ? detail : `${name} ${detail}`,
  );
}

function levelOf(line: string): string {
  return /\b(FATAL|ERROR|WARN|INFO|DEBUG)\b/.exec(line.slice(0, 120))?.[1] ?? "";
}

/** `0/app/lxc/console.log` as `app console`. */
function shortSource(source: string): string {
  const parts = source.split("/");
  const file = (parts.at(-1) ?? "").replace(/\.log$/, "");
  return parts[1] === file ? file : `${parts[1] ?? ""} ${file}`;
}
