import { withoutCommands } from "../../reports/ci-commands.ts";
import { ctrfReport } from "../../reports/ctrf.ts";
import { githubAnnotations } from "../../reports/github.ts";
import { htmlReport } from "../../reports/html/page.ts";
import { junitReport } from "../../reports/junit.ts";
import { markdownSummary } from "../../reports/markdown.ts";
import { rendered } from "../../reports/rendered.quirk.ts";
import { noPaint } from "../../reports/paint.ts";
import { printable } from "../../reports/printable.ts";
import { perfettoTrace } from "../../reports/perfetto.ts";
import { tapReport } from "../../reports/tap.ts";
import { closingLine, closingReport } from "../../reports/terminal.ts";
import { junitDialect } from "./ci-place.ts";
import { htmlSources } from "./html-sources.ts";
import { pageScript } from "./page-script.ts";
import type { ReportedRun } from "./reported-run.ts";

/** Reports by their format; each ends with a line feed. */
const RENDERERS = {
  text: ({ state, directory }) =>
    lines([...closingReport(state, directory.shown, noPaint), closingLine(state)].map(quiet)),
  junit: ({ state, directory }) => junitReport(state, junitDialect(directory)),
  markdown: ({ state, directory }) => markdownSummary(state, directory.shown),
  github: ({ state }) => lines(githubAnnotations(state)),
  tap: ({ state }) => tapReport(state),
  ctrf: ({ state }) => ctrfReport(state),
  perfetto: ({ events }) => perfettoTrace(events),
  html: (run) => htmlReport(htmlSources(run), pageScript()),
} satisfies Readonly<Record<string, (run: ReportedRun) => string>>;

export type ReportFormat = keyof typeof RENDERERS;

export const REPORT_FORMATS = Object.keys(RENDERERS) as readonly ReportFormat[];

/** One report of a run. */
export function renderReport(format: ReportFormat, run: ReportedRun): string {
  return rendered(run.state, () => RENDERERS[format](run));
}

/** As the terminal shows it, where a CI may read along. */
function quiet(line: string): string {
  // A control that is taken out may have stood before a command.
  return withoutCommands(printable(line));
}

function lines(all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
