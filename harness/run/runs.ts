import { lstatSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { propertyOf, textOf } from "../thrown.ts";
import { EVENTS_FILE } from "./event-log.ts";
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

const NAME = /^\d{8}T\d{6}Z-[\w.]+$/;
/** Milliseconds after its last event at which a run without a summary is taken for a killed one. */
const GIVEN_UP = 3_600_000;

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
 * Remove all runs but the newest ones, and those that may go on.
 * @returns names of the removed ones
 */
export function pruneRuns(keep: number, base = process.cwd(), now = Date.now()): string[] {
  const runs = resolve(base, RUNS);
  const old = namesOf(base)
    .slice(keep)
    .filter((run) => !mayGoOn(join(runs, run), now));
  for (const run of old) rmSync(join(runs, run), { recursive: true, force: true });
  return old;
}

/** Names begin with their time; a link is no run. */
function namesOf(base: string): string[] {
  const runs = resolve(base, RUNS);
  try {
    return readdirSync(runs)
      .filter((name) => NAME.test(name) && lstatSync(join(runs, name)).isDirectory())
      .sort()
      .reverse();
  } catch {
    return [];
  }
}

function mayGoOn(folder: string, now: number): boolean {
  if (summaryOf(folder) !== undefined) return false;
  const facts = statSync(join(folder, EVENTS_FILE), { throwIfNoEntry: false }) ?? statSync(folder);
  return now - facts.mtimeMs < GIVEN_UP;
}

function summaryOf(folder: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, "summary.json"), "utf8"));
  } catch {
    return undefined;
  }
}
