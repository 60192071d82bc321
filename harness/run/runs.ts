import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
} from "node:fs";
import type { Dirent } from "node:fs";
import { join, resolve } from "node:path";
import { EXIT } from "../../reports/exit-codes.ts";
import { propertyOf, textOf } from "../thrown.ts";
import { RUNS } from "./run-directory.ts";

/** A run below the working directory. */
export interface ListedRun {
  readonly run: string;
  /** Undefined for a run that goes on or was killed. */
  readonly exitCode: number | undefined;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly ms: number;
  readonly image: string;
}

/** Limits of what stays below the folder of the runs. */
export interface RunsLimit {
  /** Number of runs. */
  readonly most: number;
  /** Bytes of all of them; undefined: any number. */
  readonly bytes?: number;
}

const NAME = /^\d{8}T\d{6}Z-[\w.]+$/;
/** A run on its way out has this before its name. */
const REMOVED = ".removed-";
/** Milliseconds without a write after which a run has ended, with a summary and without. */
const WRITTEN = 600_000;
const GIVEN_UP = 3_600_000;
/** Files of all runs whose bytes are counted, and folders in each other. */
const MOST_FILES = 200_000;
const DEPTH = 12;
/** Bytes of a summary that is read; one of ten thousand checks has two million. */
const LONGEST = 32 << 20;

/** The runs, the newest first. */
export function listedRuns(base = process.cwd()): ListedRun[] {
  return namesOf(base).map((run) => {
    const summary = summaryOf(join(resolve(base, RUNS), run));
    const count = (key: string): number =>
      Number(propertyOf(propertyOf(summary, "checks"), key) ?? 0);
    const exitCode = propertyOf(summary, "exitCode");
    return {
      run,
      exitCode: typeof exitCode === "number" ? exitCode : undefined,
      passed: count("passed"),
      failed: count("failed"),
      skipped: count("skipped"),
      ms: Number(propertyOf(summary, "ms") ?? 0),
      image: textOf(summary, "image") ?? "",
    };
  });
}

/**
 * Remove the oldest runs until the rest is within the limit. These stay at any limit: the newest run, the
 * newest one that passed and the newest one that failed, those that a link beside them names, such as
 * `latest`, those that `uses` names, and those that another pvh may still write. No link is followed, and
 * nothing but runs is removed; what cannot be removed stays.
 *
 * @param options.uses folders of further runs that stay, such as a baseline
 * @returns names of the removed ones
 */
export function pruneRuns(
  { most, bytes = Infinity }: RunsLimit,
  {
    base = process.cwd(),
    now = Date.now(),
    uses = [],
  }: {
    readonly base?: string;
    readonly now?: number;
    readonly uses?: readonly string[];
  } = {},
): string[] {
  const folder = resolve(base, RUNS);
  const runs = listedRuns(base);
  const newest = (isOne: (run: ListedRun) => boolean): string | undefined => runs.find(isOne)?.run;
  const staying = new Set([
    newest(() => true),
    newest(({ exitCode }) => exitCode === EXIT.pass),
    newest(({ exitCode }) => exitCode === EXIT.failed),
    ...linkedRuns(folder),
    ...uses.flatMap((path) => namesOf(base).filter((run) => isBelow(path, join(folder, run)))),
  ]);
  const budget = { files: MOST_FILES };
  let size = 0;
  const removed: string[] = [];
  for (const [index, { run }] of runs.entries()) {
    if (Number.isFinite(bytes)) size += bytesBelow(join(folder, run), budget, DEPTH);
    if (index < most && size <= bytes) continue;
    if (staying.has(run) || mayGoOn(join(folder, run), now)) continue;
    if (remove(folder, run)) removed.push(run);
  }
  // Another pvh that was killed may have left a part of one.
  for (const { name } of entriesOf(folder)) if (name.startsWith(REMOVED)) discard(folder, name);
  return removed;
}

/** Nobody finds a part of a run: it has another name before its first file goes. */
function remove(folder: string, run: string): boolean {
  try {
    renameSync(join(folder, run), join(folder, REMOVED + run));
  } catch {
    return false;
  }
  discard(folder, REMOVED + run);
  return true;
}

function discard(folder: string, name: string): void {
  try {
    rmSync(join(folder, name), { recursive: true, force: true });
  } catch {
    // Files of another user, or another pvh that removes it too: the next one tries again.
  }
}

/** Names begin with their time; a link is no run. */
function namesOf(base: string): string[] {
  return entriesOf(resolve(base, RUNS))
    .filter((entry) => NAME.test(entry.name) && entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .reverse();
}

/** Runs that links in the folder of the runs name: a link marks its run. */
function linkedRuns(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isSymbolicLink())
    .flatMap(({ name }) => {
      try {
        return [resolve(folder, readlinkSync(join(folder, name)))];
      } catch {
        return [];
      }
    })
    .flatMap((path) => entriesOf(folder).filter(({ name }) => isBelow(path, join(folder, name))))
    .map(({ name }) => name);
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function mayGoOn(folder: string, now: number): boolean {
  const idle = summaryOf(folder) === undefined ? GIVEN_UP : WRITTEN;
  // Parts of a run, as those of a comparison, have records of their own.
  const parts = entriesOf(folder).filter((entry) => entry.isDirectory());
  const places = [folder, ...parts.map(({ name }) => join(folder, name))];
  return places.some(
    (place) =>
      now - changedAt(place) < idle ||
      entriesOf(place).some(
        (entry) => entry.isFile() && now - changedAt(join(place, entry.name)) < idle,
      ),
  );
}

/** Milliseconds of the last change; 0 for what is not there. */
function changedAt(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Bytes of the regular files below a folder, as far as the budget goes. */
function bytesBelow(folder: string, budget: { files: number }, depth: number): number {
  if (depth === 0) return 0;
  let bytes = 0;
  for (const entry of entriesOf(folder)) {
    if (budget.files <= 0) break;
    budget.files -= 1;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += bytesBelow(path, budget, depth - 1);
    else if (entry.isFile()) bytes += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Reads no link, no fifo and nothing endless: a folder may hold what somebody has put there. */
function summaryOf(folder: string): unknown {
  let fd: number | undefined;
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    fd = openSync(join(folder, "summary.json"), flags);
    const facts = fstatSync(fd);
    if (!facts.isFile() || facts.size > LONGEST) return undefined;
    return JSON.parse(readFileSync(fd, "utf8"));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
