import type { ReportData } from "../report-data.ts";
import { comparison } from "./comparison.ts";
import { coverage } from "./coverage.ts";
import { h } from "./dom.ts";
import { installKeys, keyHelp } from "./keys.ts";
import { logs } from "./logs.ts";
import { overview } from "./overview.ts";
import { currentRoute, linkTo } from "./route.ts";
import { scenarios } from "./scenarios.ts";
import { timeline } from "./timeline.ts";

type View = (data: ReportData, rest: readonly string[]) => Node[];

const VIEWS: readonly (readonly [name: string, title: string, view: View])[] = [
  ["overview", "Overview", overview],
  ["scenarios", "Scenarios", scenarios],
  ["timeline", "Timeline", timeline],
  ["logs", "Logs", logs],
  ["coverage", "Coverage", coverage],
  ["comparison", "Last good run", comparison],
];

const data = JSON.parse(document.getElementById("data")?.textContent ?? "{}") as ReportData;
const main = h("main", { id: "main", tabindex: "-1" });
const nav = h("nav", { "aria-label": "views" });

function show(): void {
  const { view: wanted, rest } = currentRoute();
  const [name, title, view] = VIEWS.find(([one]) => one === wanted) ?? VIEWS[0] ?? [];
  if (name === undefined || view === undefined) return;
  nav.replaceChildren(
    ...VIEWS.map(([one, words]) =>
      h("a", { href: linkTo(one), ...(one === name && { "aria-current": "page" }) }, words),
    ),
  );
  main.replaceChildren(...view(data, rest));
  document.title = `${title ?? ""}: pvh ${data.run.id}`;
}

document.body.append(
  h("header", {}, h("a", { class: "name", href: linkTo("overview") }, "pvh"), nav),
  main,
  h("footer", {}, keyHelp(), h("p", { class: "dim" }, data.run.id)),
);
installKeys((index) => {
  const [name] = VIEWS[index] ?? [];
  if (name !== undefined) location.hash = linkTo(name);
});
window.addEventListener("hashchange", () => {
  show();
  window.scrollTo(0, 0);
});
show();
