import { lstatSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { currentProject } from "../project/project.ts";
import type { Project } from "../project/project.ts";
import { RUNS } from "../run/run-directory.ts";
import { pruneRuns } from "../run/runs.ts";
import { messageOfThrown } from "../thrown.ts";
import type { Call } from "./command.ts";

/** Runs that stay, and MiB of them, where the configuration says nothing. */
const MOST = 50;
const MEBIBYTES = 5_120;
/** Its time of change is that of the last look. */
const LOOKED = ".looked";
/** Milliseconds between two looks: each adds up thousands of files, and what is newer stays in any case. */
const INTERVAL = 600_000;

/**
 * Remove old runs, as the configuration says, and tell it in one line. Ten minutes after a look there is the
 * next one. A failure is told too, and costs no verdict: it is never thrown.
 */
export async function tidyRuns(
  call: Pick<Call, "args" | "out">,
  { base = process.cwd(), projectOf = currentProject }: Partial<Place> = {},
): Promise<void> {
  try {
    await tidy(call, { base, projectOf });
  } catch (error) {
    call.out.say(`old runs of ${RUNS} were not removed: ${messageOfThrown(error)}`);
  }
}

interface Place {
  /** Working directory. */
  readonly base: string;
  readonly projectOf: () => Promise<Project | undefined>;
}

async function tidy(
  { args, out }: Pick<Call, "args" | "out">,
  { base, projectOf }: Place,
): Promise<void> {
  const project = await projectOf();
  const { keep = MOST, mebibytes = MEBIBYTES } = project?.config.runs ?? {};
  if (keep === "all" || !isDue(base)) return;
  const baselines = [
    args.text("baseline") ?? [],
    project?.config.baseline === undefined ? [] : resolve(project.root, project.config.baseline),
  ].flat();
  const { length } = pruneRuns(
    { most: keep, bytes: mebibytes * 1024 * 1024 },
    // A baseline is a path, or a name below the folder of the runs.
    { base, uses: baselines.flatMap((path) => [resolve(base, path), resolve(base, RUNS, path)]) },
  );
  if (length === 0) return;
  const removed = length === 1 ? "1 old run" : `${length} old runs`;
  const limits = `${keep} runs and ${mebibytes} MiB at most`;
  out.say(`removed ${removed} of ${RUNS} (${limits}; \`runs\` in pvh.config.ts)`);
}

function isDue(base: string): boolean {
  const path = resolve(base, RUNS, LOOKED);
  const age = Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  if (age >= 0 && age < INTERVAL) return false;
  try {
    rmSync(path, { force: true });
    writeFileSync(path, "", { flag: "wx" });
  } catch {
    // Another pvh looks just now, or the disk is full: one look more does no harm.
  }
  return true;
}
