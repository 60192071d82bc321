import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunState } from "../../reports/run-state.ts";
import { summarise } from "../../reports/summary.ts";
import { PvhError } from "../errors.ts";
import { messageOfThrown } from "../thrown.ts";
import { renderReport } from "./render-report.ts";
import type { RunDirectory } from "./run-directory.ts";

/** Each report by itself: one that cannot be written takes no other with it. */
export function writeReports(state: RunState, directory: RunDirectory): PvhError[] {
  const run = { state, events: [], directory };
  const reports: readonly (readonly [string, () => string])[] = [
    ["junit.xml", () => renderReport("junit", run)],
    ["summary.json", () => `${JSON.stringify(summarise(state), null, 2)}\n`],
    ["summary.md", () => renderReport("markdown", run)],
  ];
  return reports.flatMap(([name, make]) => {
    const path = join(directory.folder, name);
    try {
      writeFileSync(path, make());
      return [];
    } catch (cause) {
      const why = messageOfThrown(cause);
      return [new PvhError("PVH_NO_SPACE", `${path} cannot be written: ${why}`, { cause })];
    }
  });
}
