import type { ReportData } from "../report-data.ts";
import type { Moment, Timeline } from "../timelines.ts";
import { badge, h, seconds, svg } from "./dom.ts";
import { drawGraph } from "./graph.ts";
import { linkTo } from "./route.ts";
import { stateAt } from "./state-at.ts";

const LANES = ["stage", "check", "control", "step", "container", "link", "log"] as const;
const LANE_HEIGHT = 18;
const WIDTH = 1_000;
/** Marks of a lane that are drawn; more would be one line of colour. */
const MOST = 1_500;

/** The timeline of a scenario, with a scrubber that shows containers, links and graph at its moment. */
export function timeline(data: ReportData, [wanted, at]: readonly string[]): Node[] {
  const { timelines } = data;
  const failed = data.scenarios.find(({ verdict }) => verdict === "failed")?.name;
  const one =
    timelines.find(({ scenario }) => scenario === (wanted ?? failed)) ??
    timelines.find(({ moments }) => moments.length > 0);
  if (one === undefined) return [h("h1", {}, "Timeline"), h("p", {}, "The record has none.")];
  const choice = h("select", { id: "scenario-choice" });
  for (const { scenario } of timelines) {
    const option = h("option", { value: scenario }, scenario);
    option.selected = scenario === one.scenario;
    choice.append(option);
  }
  choice.addEventListener("change", () => {
    location.hash = linkTo("timeline", choice.value);
  });
  return [
    h("h1", {}, "Timeline"),
    h("p", {}, h("label", { for: "scenario-choice" }, "Scenario "), choice),
    ...scrubbed(one, Number(at ?? one.to - one.from)),
  ];
}

function scrubbed(one: Timeline, start: number): Node[] {
  const length = Math.max(1, one.to - one.from);
  const begin = Math.min(length, Math.max(0, Number.isFinite(start) ? start : length));
  const input = h("input", { id: "scrubber", type: "range", class: "scrubber" });
  input.min = "0";
  input.max = String(length);
  input.step = "1";
  input.value = String(begin);
  const told = h("output", { "aria-live": "polite", for: "scrubber" });
  const cursor = svg("line", { class: "cursor", y1: 0, y2: LANES.length * LANE_HEIGHT });
  const state = h("div", { class: "state" });
  const show = (): void => {
    const at = Number(input.value);
    const x = (at / length) * WIDTH;
    cursor.setAttribute("x1", String(x));
    cursor.setAttribute("x2", String(x));
    told.textContent = `${(at / 1000).toFixed(2)} s of ${seconds(length)}`;
    state.replaceChildren(...stateNodes(one, one.from + at));
  };
  input.addEventListener("input", show);
  input.addEventListener("change", () => {
    history.replaceState(null, "", linkTo("timeline", one.scenario, input.value));
  });
  show();
  return [
    lanes(one, length, cursor),
    h("p", { class: "scrub" }, h("label", { for: "scrubber" }, "Moment "), input, told),
    state,
    one.left > 0
      ? h("p", { class: "dim" }, `${one.left} lines and commands are in the evidence only`)
      : h("span"),
  ];
}

function lanes(one: Timeline, length: number, cursor: SVGElement): HTMLElement {
  const height = LANES.length * LANE_HEIGHT;
  const marks = LANES.flatMap((lane, index) =>
    one.moments
      .filter(([, , kind]) => kind === lane)
      .slice(0, MOST)
      .map((moment) => mark(moment, one.from, length, index)),
  );
  return h(
    "div",
    { class: "lanes" },
    h("ul", { class: "lane-names" }, ...LANES.map((lane) => h("li", {}, lane))),
    svg(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${height}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `timeline of ${one.scenario}, ${seconds(length)}`,
      },
      ...marks,
      cursor,
    ),
  );
}

function mark([at, ms, kind, name, detail]: Moment, from: number, length: number, lane: number) {
  const bad = detail === "failed" || /^(ERROR|[45]\d\d$)/.test(detail) ? " bad" : "";
  return svg(
    "rect",
    {
      class: `mark ${kind}${bad}`,
      x: ((at - from) / length) * WIDTH,
      y: lane * LANE_HEIGHT + 3,
      width: Math.max(1.5, (ms / length) * WIDTH),
      height: LANE_HEIGHT - 6,
    },
    svg("title", {}, `${((at - from) / 1000).toFixed(2)} s ${name} ${detail}`),
  );
}

function stateNodes(one: Timeline, at: number): Node[] {
  const { containers, links, graph, running, recent } = stateAt(one, at);
  return [
    h(
      "div",
      { class: "columns" },
      h(
        "section",
        {},
        h("h2", {}, "Containers"),
        containers.length === 0 ? h("p", { class: "dim" }, "none yet") : h("span"),
        h(
          "ul",
          { class: "plain" },
          ...containers.map(([name, status]) =>
            h("li", {}, h("span", { class: `status ${status}` }, status), ` ${name}`),
          ),
        ),
      ),
      h(
        "section",
        {},
        h("h2", {}, "Links"),
        links.length === 0 ? h("p", { class: "dim" }, "none yet") : h("span"),
        h(
          "ul",
          { class: "plain" },
          ...links.map(([name, status]) =>
            h("li", {}, h("span", { class: `status ${status}` }, status), ` ${name}`),
          ),
        ),
      ),
      h(
        "section",
        {},
        h("h2", {}, "Under way"),
        h(
          "ul",
          { class: "plain" },
          ...running.map(([, , kind, name, detail]) =>
            h("li", {}, `${kind} ${name} `, kind === "check" && badge(detail)),
          ),
        ),
      ),
    ),
    h("h2", {}, "Graph"),
    graph.length === 0
      ? h("p", { class: "dim" }, "no graph was read yet")
      : drawGraph(graph, new Map(containers), new Map(links)),
    h("h2", {}, "Just before"),
    h(
      "pre",
      { tabindex: "0", class: "log" },
      recent
        .map(([t, , kind, name, detail]) => {
          const what = kind === "log" ? `${name}: ${detail}` : `${kind} ${name} ${detail}`;
          return `${((t - one.from) / 1000).toFixed(2).padStart(8)}  ${what}`;
        })
        .join("\n"),
    ),
  ];
}
