import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { readRecord } from "../../reports/read-record.ts";
import { foldRun, scenarioName } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import { propertyOf } from "../thrown.ts";
import { EVENTS_FILE } from "./event-log.ts";

/** Earlier runs that are looked at, and the bytes of a record that is read. */
const MOST = 100;
const LARGEST = 32 << 20;

/**
 * The last run before this one, beside it, in which everything passed and that has a scenario of it.
 * @param folder of this run
 */
export function lastGoodRun(
  folder: string,
  { started, scenarios }: RunState,
): RunState | undefined {
  const names = new Set([...scenarios.keys()].map(scenarioName));
  for (const run of earlierRuns(dirname(folder), started?.run ?? "")) {
    const summary = parsed(join(run, "summary.json"));
    if (propertyOf(summary, "exitCode") !== EXIT.pass) continue;
    const of = propertyOf(summary, "scenarios");
    const hasOne =
      Array.isArray(of) &&
      of.some((one: unknown) => names.has(scenarioName(String(propertyOf(one, "name")))));
    const state = hasOne ? stateOf(join(run, EVENTS_FILE)) : undefined;
    if (state !== undefined) return state;
  }
  return undefined;
}

/** Names of runs begin with their time. */
function earlierRuns(runs: string, run: string): string[] {
  try {
    return readdirSync(runs)
      .filter((name) => /^\d{8}T\d{6}Z-/.test(name) && name < run)
      .sort()
      .slice(-MOST)
      .reverse()
      .map((name) => join(runs, name));
  } catch {
    return [];
  }
}

function stateOf(file: string): RunState | undefined {
  try {
    if (statSync(file).size > LARGEST) return undefined;
    return foldRun(readRecord(readFileSync(file, "utf8")).events);
  } catch {
    return undefined;
  }
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
