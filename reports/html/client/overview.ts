import type { ReportData } from "../report-data.ts";
import { badge, h, seconds, table } from "./dom.ts";
import { failureList } from "./failures.ts";
import { linkTo } from "./route.ts";
import { waterfall } from "./waterfall.ts";

/** Verdict and failures first, then where the time went and what was run. */
export function overview(data: ReportData): Node[] {
  const { run, counts, failures, scenarios } = data;
  const flaky = scenarios.filter(({ verdict }) => verdict === "flaky");
  const verdict = run.reason === "" ? "passed" : counts.failed > 0 ? "failed" : "not passed";
  return [
    h(
      "section",
      { class: `verdict ${verdict.replace(" ", "-")}` },
      h("h1", {}, verdict),
      h(
        "p",
        { class: "counts" },
        `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
        flaky.length > 0 && `, ${flaky.length} flaky`,
        ` in ${seconds(run.ms)}`,
      ),
      run.reason !== "" && h("p", {}, `exit ${run.exitCode}: ${run.reason}`),
    ),
    ...(failures.length === 0
      ? []
      : [
          h("h2", {}, failures.length === 1 ? "1 failure" : `${failures.length} failures`),
          failureList(failures, 20),
        ]),
    h("h2", {}, "Stages"),
    waterfall(data),
    h("h2", {}, "Run"),
    table(
      "what was run",
      ["fact", "value"],
      (
        [
          ["run", run.id],
          ["begun", new Date(run.begun).toISOString()],
          ["command", run.command],
          ["image", run.image],
          ["image id", run.imageId],
          ["broker", run.broker],
          ["profile", run.profile],
          ["quirks", run.quirks.join(", ")],
          ["seed", String(run.seed)],
          ["machine", `${run.host}, Linux ${run.kernel}, Node ${run.node}`],
        ] as const
      )
        .filter(([, value]) => value !== "")
        .map(([name, value]) => [name, h("span", { class: "value" }, value)]),
    ),
    ...(flaky.length === 0
      ? []
      : [
          h("h2", {}, "Flaky"),
          h(
            "ul",
            {},
            ...flaky.map(({ name }) =>
              h("li", {}, h("a", { href: linkTo("scenarios", name) }, name), " ", badge("flaky")),
            ),
          ),
        ]),
  ];
}
