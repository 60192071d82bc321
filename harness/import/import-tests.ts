import { hostname, release } from "node:os";
import { join, sep } from "node:path";
import PQueue from "p-queue";
import { exitCodeOf } from "../../reports/exit-code.ts";
import { endingSignal } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Failure, RecordedEvent } from "../../reports/events.ts";
import type { RunState } from "../../reports/run-state.ts";
import { failureOf, toFailure } from "../failure.ts";
import type { PvhError } from "../errors.ts";
import { EVENTS_FILE } from "../run/event-log.ts";
import type { RunDirectory } from "../run/run-directory.ts";
import { RunRecord } from "../run/run-record.ts";
import { writeReports } from "../run/write-reports.ts";
import { readPvTest } from "./pv-test.ts";
import { runTest } from "./run-test.ts";
import type { TestOptions, TestOutcome } from "./run-test.ts";

export interface ImportOptions extends Omit<TestOptions, "onStage"> {
  readonly command: readonly string[];
  readonly profile: string;
  /** Quirks besides the profile's. */
  readonly given: readonly string[];
  readonly imageId: string | undefined;
  /** Tests at a time. */
  readonly jobs: number;
  readonly onEvent: (event: RecordedEvent) => void;
}

export interface ImportResult {
  readonly exitCode: ExitCode;
  readonly state: RunState;
  readonly unwritten: readonly PvhError[];
}

const CHECK = "golden";

/**
 * Run directories of `pv-test@1`, each on an appengine of its own and as a scenario with one check,
 * and leave a record as every run does. A test that fails, in whatever way, takes no other with it.
 */
export async function importTests(
  folders: readonly string[],
  directory: RunDirectory,
  options: ImportOptions,
): Promise<ImportResult> {
  const begun = performance.now();
  const { signal } = options;
  const record = new RunRecord(join(directory.folder, EVENTS_FILE), options.onEvent);
  const tests = namesOf(folders);
  const names = [...tests.keys()];
  record.append({
    type: "run.started",
    run: directory.run,
    command: options.command,
    image: options.image,
    profile: options.profile,
    quirks: options.given,
    selected: names,
    seed: 0,
    host: { name: hostname(), kernel: release(), node: process.version },
  });
  record.append({
    type: "run.prepared",
    ms: performance.now() - begun,
    image: options.image,
    ...(options.imageId !== undefined && { imageId: options.imageId }),
  });
  const queue = new PQueue({ concurrency: options.jobs });
  await queue.addAll(
    [...tests].map(
      ([name, folder]) =>
        () =>
          recordTest(name, folder, record, directory, options),
    ),
  );
  const interrupted = endingSignal(signal.reason);
  if (interrupted !== undefined) {
    const failure = failureOf("PVH_ABORTED", `the run was cancelled: ${interrupted}`);
    record.append({ type: "failure", where: "cancelled", failure });
  }
  const exitCode = exitCodeOf(record.state, interrupted, "fail");
  record.append({
    type: "run.finished",
    ms: performance.now() - begun,
    exitCode,
    ...(interrupted !== undefined && { interrupted }),
  });
  const unwritten = [...record.close(), ...writeReports(record.state, directory)];
  return { exitCode, state: record.state, unwritten };
}

/**
 * Folders by name: `local-control-basic-endpoints`, the last three parts of the path. A name that is taken,
 * as in a second checkout, gets a number.
 */
export function namesOf(folders: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const folder of folders) {
    const name = folder
      .split(sep)
      .slice(-3)
      .join("-")
      .replaceAll(/[^\w.-]/g, "_");
    let free = name;
    for (let number = 2; names.has(free); number += 1) free = `${name}-${number}`;
    names.set(free, folder);
  }
  return names;
}

function hasFailed({ scenarios }: RunState): boolean {
  return [...scenarios.values()].some(({ attempts }) => attempts.at(-1)?.verdict === "failed");
}

async function recordTest(
  scenario: string,
  folder: string,
  record: RunRecord,
  directory: RunDirectory,
  options: ImportOptions,
): Promise<void> {
  if (options.quirks.includes("import-fault-fatal") && hasFailed(record.state)) return;
  const begun = performance.now();
  const title = options.record ? "the output becomes the golden" : "the output is the golden";
  const id = `${scenario}.${CHECK}`;
  let summary = folder;
  let outcome: TestOutcome = { verdict: "skipped", reason: "cancelled" };
  let failure: Failure | undefined;
  const evidence = join(directory.folder, scenario);
  const start = (): void =>
    record.append({
      type: "scenario.started",
      scenario,
      suite: "import",
      summary,
      checks: [{ id, title }],
      file: join(folder, "test.json"),
      attempt: 1,
    });
  try {
    const test = readPvTest(folder);
    summary = test.description;
    start();
    record.append({ type: "check.started", scenario, check: id, deadline: options.deadline });
    if (!options.signal.aborted) {
      outcome = await runTest(test, evidence, {
        ...options,
        onStage: (stage, ms, ok, detail) =>
          record.append({
            type: "stage.finished",
            scenario,
            appengine: scenario,
            stage,
            ms,
            ok,
            ...(detail !== undefined && { detail }),
          }),
      });
    }
    if (outcome.difference !== undefined) {
      failure = { class: "product", code: "PVH_ASSERT", message: outcome.difference };
    }
  } catch (error) {
    if (summary === folder) start();
    if (!options.signal.aborted) failure = toFailure(error);
  }
  const ms = performance.now() - begun;
  const verdict = failure === undefined ? outcome.verdict : "failed";
  record.append({
    type: "check.finished",
    scenario,
    check: id,
    title,
    verdict,
    ms,
    ...(failure !== undefined && { failure }),
    ...(verdict === "skipped" && { reason: outcome.reason ?? "cancelled" }),
  });
  if (verdict === "failed") {
    record.append({
      type: "evidence",
      scenario,
      path: scenario,
      what: "test.log, output, diff, logs",
    });
  }
  record.append({ type: "scenario.finished", scenario, verdict, ms });
}
