import { resolve } from "node:path";
import { currentProject } from "../project/project.ts";
import { RUNS } from "../run/run-directory.ts";
import { pruneRuns } from "../run/runs.ts";
import type { Call } from "./command.ts";

/** Runs that stay, and MiB of them, where the configuration says nothing. */
const MOST = 50;
const MEBIBYTES = 5_120;

/** Remove old runs, as the configuration says, and tell it in one line. */
export async function tidyRuns({ args, out }: Pick<Call, "args" | "out">): Promise<void> {
  const project = await currentProject();
  const { keep = MOST, mebibytes = MEBIBYTES } = project?.config.runs ?? {};
  if (keep === "all") return;
  const baselines = [
    args.text("baseline") ?? [],
    project?.config.baseline === undefined ? [] : resolve(project.root, project.config.baseline),
  ].flat();
  const { length } = pruneRuns(
    { most: keep, bytes: mebibytes * 1024 * 1024 },
    // A baseline is a path, or a name below the folder of the runs.
    { uses: baselines.flatMap((path) => [resolve(path), resolve(RUNS, path)]) },
  );
  if (length === 0) return;
  const removed = length === 1 ? "1 old run" : `${length} old runs`;
  const limits = `${keep} runs and ${mebibytes} MiB at most`;
  out.say(`removed ${removed} of ${RUNS} (${limits}; \`runs\` in pvh.config.ts)`);
}
