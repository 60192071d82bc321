import { appendFileSync, statSync } from "node:fs";
import { markdownSummary } from "../../reports/markdown.ts";
import { rendered } from "../../reports/rendered.quirk.ts";
import { PvhError } from "../errors.ts";
import { renderReport } from "../run/render-report.ts";
import type { ReportedRun } from "../run/reported-run.ts";
import { messageOfThrown } from "../thrown.ts";

/** Bytes of a step's summary: GitHub drops a larger one whole. */
const LARGEST = 1024 * 1024;
/** Bytes that are left for other commands of the step. */
const SPARE = 64 * 1024;

/**
 * Where this is GitHub Actions: annotations on stderr, whose commands the runner obeys as well, and the
 * summary appended to $GITHUB_STEP_SUMMARY.
 * @returns why the summary is not there
 */
export function tellGithub(run: ReportedRun, env: Environment = process.env): PvhError[] {
  if (env["GITHUB_ACTIONS"] === "true") process.stderr.write(renderReport("github", run));
  const file = env["GITHUB_STEP_SUMMARY"] ?? "";
  if (file === "") return [];
  const { state, directory } = run;
  try {
    const there = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const limit = LARGEST - SPARE - there;
    const summary = rendered(state, () => markdownSummary(state, directory.shown, limit));
    appendFileSync(file, summary);
    return [];
  } catch (cause) {
    const why = messageOfThrown(cause);
    const message = `GITHUB_STEP_SUMMARY=${file} cannot be written: ${why}`;
    return [new PvhError("PVH_NO_SPACE", message, { cause })];
  }
}

type Environment = Readonly<Record<string, string | undefined>>;
