import { mkdirSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { isFlaky, lastAttempt } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import type { FormerMutants } from "../catalogue/mutant-order.ts";

/** Durations in former runs, in milliseconds, by name; of several runs the latest counts. */
export interface FormerDurations extends FormerMutants {
  /** Scenarios that passed. */
  readonly scenarios: ReadonlyMap<string, number>;
  /** Scenarios whose checks ran under their quirks. */
  readonly mutants: ReadonlyMap<string, number>;
}

type Kind = keyof FormerDurations;

/** File of the history, below the working directory. */
const FILE = ".pvh/history";
/** SQLite's `user_version` of a file that this code has written. */
const VERSION = 1;
const BUSY_MS = 1_000;
/** SQLite's codes for a file that another process writes just now. */
const BUSY = [5, 6];

/** @returns nothing of a history that is missing or cannot be read */
export async function formerDurations(base = process.cwd()): Promise<FormerDurations> {
  const rows = await withHistory(base, (history) =>
    history.prepare("SELECT kind, name, ms FROM duration").all(),
  );
  const of = (kind: Kind): Map<string, number> =>
    new Map(
      (rows ?? []).flatMap(({ kind: one, name, ms }) =>
        one === kind && typeof name === "string" && typeof ms === "number" ? [[name, ms]] : [],
      ),
    );
  return {
    scenarios: of("scenarios"),
    mutants: of("mutants"),
    checks: of("checks"),
    quirks: of("quirks"),
  };
}

/**
 * Keep the durations of a run that has ended. A history that is cut, foreign or of another version is
 * made anew; one that cannot be written stays as it is.
 */
export async function keepDurations(
  state: RunState,
  { base = process.cwd(), areMutants = false } = {},
): Promise<void> {
  const durations = areMutants ? mutantsOf(state) : durationsOf(state);
  if (durations.length === 0) return;
  await withHistory(base, (history) => {
    history.exec("BEGIN IMMEDIATE");
    const put = history.prepare("INSERT OR REPLACE INTO duration VALUES (?, ?, ?)");
    for (const duration of durations) put.run(...duration);
    history.exec("COMMIT");
  });
}

function mutantsOf({ scenarios }: RunState): [Kind, string, number][] {
  return [...scenarios.values()].map((one) => ["mutants", one.name, lastAttempt(one).ms]);
}

function durationsOf(state: RunState): [Kind, string, number][] {
  const { started, finished } = state;
  const durations: [Kind, string, number][] = [];
  const [quirk, ...more] = started?.quirks ?? [];
  if (quirk !== undefined) {
    const isWhole = more.length === 0 && finished !== undefined && !("interrupted" in finished);
    return isWhole ? [["quirks", quirk, finished.ms]] : [];
  }
  for (const scenario of state.scenarios.values()) {
    const { verdict, ms, checks } = lastAttempt(scenario);
    if (verdict === "passed" && !isFlaky(scenario))
      durations.push(["scenarios", scenario.name, ms]);
    for (const check of checks.values()) {
      if (check.verdict === "passed") durations.push(["checks", check.id, check.ms]);
    }
  }
  return durations;
}

/** @returns undefined when there is no history to work with */
async function withHistory<T>(
  base: string,
  work: (history: DatabaseSync) => T,
): Promise<T | undefined> {
  const path = resolve(base, FILE);
  for (const attempt of ["as it is", "anew"]) {
    try {
      if (attempt === "anew") rmSync(path, { force: true });
      mkdirSync(dirname(path), { recursive: true });
      using history = await open(path);
      return work(history);
    } catch (error) {
      if (isBusy(error)) return undefined;
    }
  }
  return undefined;
}

async function open(path: string): Promise<DatabaseSync> {
  // Loaded late: only commands that run several scenarios need it.
  const { DatabaseSync } = await import("node:sqlite");
  const history = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    const version = history.prepare("PRAGMA user_version").get()?.["user_version"];
    if (version !== VERSION && version !== 0) throw new TypeError("it is of another version");
    // A duration that is lost with the machine's power is measured again.
    history.exec(`PRAGMA synchronous = OFF;
      CREATE TABLE IF NOT EXISTS duration (kind TEXT, name TEXT, ms REAL, PRIMARY KEY (kind, name));
      PRAGMA user_version = ${VERSION};`);
    return history;
  } catch (error) {
    history.close();
    throw error;
  }
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && "errcode" in error && BUSY.includes(Number(error.errcode) & 0xff)
  );
}
