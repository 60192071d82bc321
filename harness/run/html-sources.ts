import type { ReportSources } from "../../reports/html/report-data.ts";
import { catalogue } from "../catalogue/catalogue.ts";
import { evidenceExcerpts } from "./evidence-excerpts.ts";
import { lastGoodRun } from "./last-good-run.ts";
import type { ReportedRun } from "./reported-run.ts";

/** Sources of report.html: the record, ends of evidence, the catalogue and the last good run. */
export function htmlSources({ state, events, directory }: ReportedRun): ReportSources {
  const good = lastGoodRun(directory.folder, state);
  return {
    state,
    events,
    folder: directory.shown,
    promises: [...catalogue().values()].map(({ id, suite, promise }) => ({ id, suite, promise })),
    excerpts: evidenceExcerpts(directory.folder, state),
    ...(good !== undefined && { good }),
  };
}
