import { randomBytes } from "node:crypto";
import { lstatSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { PvhError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { shellQuote } from "../shell-quote.ts";

export interface RunDirectory {
  /** `<utc>-<short id>` */
  readonly run: string;
  /** Absolute path of the directory. */
  readonly folder: string;
  /** Path by which a reader can open it from the directory where pvh was started. */
  readonly shown: string;
}

/** Folder of all runs, below the working directory. */
export const RUNS = ".pvh/runs";

/** `<utc>-<short id>` */
export function newRunName(now = new Date()): string {
  const utc = now
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(/[-:]/g, "");
  return `${utc}-${randomBytes(3).toString("hex")}`;
}

/**
 * Make the folder of a run in `.pvh/runs` below the working directory, and point `latest` at it.
 * @throws PvhError naming the folder: PVH_NO_ACCESS where it may not be written to, else PVH_NO_SPACE
 */
export function makeRunDirectory(run = newRunName(), base = process.cwd()): RunDirectory {
  const runs = resolve(base, RUNS);
  const folder = join(runs, run);
  try {
    makeFolder(folder);
    writeFileSync(join(folder, "README"), README);
    pointLatest(runs, run);
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    throw cause instanceof PvhError ? cause : notWritable(folder, cause);
  }
  return { run, folder, shown: `${RUNS}/${run}` };
}

/** A folder of its own inside a run's, for a run that is a part of it. */
export function makePartDirectory(directory: RunDirectory, part: string): RunDirectory {
  const name = part.replaceAll(/[^\w.-]/g, "_");
  const folder = join(directory.folder, name);
  try {
    makeFolder(folder);
    writeFileSync(join(folder, "README"), README);
  } catch (cause) {
    throw notWritable(folder, cause);
  }
  return { run: `${directory.run}.${name}`, folder, shown: `${directory.shown}/${name}` };
}

/** Replaced by rename: a reader finds the old one or the new one. */
function pointLatest(runs: string, run: string): void {
  const temporary = join(runs, `.latest-${run}`);
  symlinkSync(run, temporary);
  try {
    renameSync(temporary, join(runs, "latest"));
  } catch (error) {
    rmSync(temporary, { force: true });
    const latest = join(runs, "latest");
    if (lstatSync(latest, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
    // A copy that followed links leaves a folder here.
    throw new PvhError("PVH_USAGE", `${latest} is a folder, not the link to the last run`, {
      hint: `rm -r ${shellQuote(latest)}`,
      cause: error,
    });
  }
}

function notWritable(folder: string, cause: unknown): PvhError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const isForbidden = /\b(EACCES|EPERM|EROFS)\b/.test(why);
  return new PvhError(
    isForbidden ? "PVH_NO_ACCESS" : "PVH_NO_SPACE",
    `the run directory ${folder} cannot be made: ${why}`,
    {
      hint: "run pvh in a directory that you may write to",
      cause,
    },
  );
}

const README = `One run of pvh.

events.jsonl   everything that happened, one JSON object a line (docs/events.md);
               every other report is made from it
report.html    the run to look at: failures, timeline, graph, logs; one file, from disk.
               pvh report RUN --format html makes it for a run that was cut short
junit.xml      the checks as JUnit test cases, for CI
summary.json   verdicts and times in one object
summary.md     the same for people; appended to $GITHUB_STEP_SUMMARY where that is set
vitest.log     what vitest itself said; only when it said something
<scenario>/    evidence of a scenario: logs of the appengine, its containers and links,
               process list, the engine's view. Kept for scenarios that failed
               (--keep always|never changes that); attempt-N/ are retries,
               appengine-N/ further appengines of the scenario

The text in these files comes from containers: do not trust it.
`;
