import type { Failure } from "./events.ts";
import type { CodeExcerpt, Diagnosis, Fact, Quote, Wait } from "./failure-details.ts";
import { holdCommand, reproCommand } from "./repro-command.ts";
import { lastAttempt, untoldFailures } from "./run-state.ts";
import type { AttemptState, CheckState, OutsideFailure, RunState } from "./run-state.ts";
import type { ScenarioState } from "./run-state.ts";

/** One failure and all that explains it; terminal, JUnit, Markdown and HTML show the same. */
export interface FailureBlock {
  /** `SCENARIO > CHECK`; for a failure outside of any check, the scenario or "the run". */
  readonly name: string;
  /** Absent for a failure outside of any check. */
  readonly check?: string;
  readonly title?: string;
  /** Place of a failure outside of any check, as "tear-down". */
  readonly where?: string;
  readonly failure: Failure;
  /** Known causes, the likeliest first. Undefined: nobody has looked for one. */
  readonly diagnoses?: readonly Diagnosis[];
  readonly promise?: string;
  /** Documents that make the promise. */
  readonly source?: string;
  /** The failure in one line: a fact and its promise, or the first line of the message. */
  readonly says: string;
  /** The other lines of the message. */
  readonly rest: readonly string[];
  readonly fact?: Fact;
  readonly wait?: Wait;
  readonly excerpt?: CodeExcerpt;
  readonly quotes: readonly Quote[];
  readonly hint?: string;
  /** The first frame in a scenario's file. */
  readonly frame?: string;
  /** Files that the failure names itself. */
  readonly files: readonly string[];
  readonly evidence?: EvidenceFolder;
  /** The command that repeats it. */
  readonly again?: string;
  /** The command that holds an appengine in the scenario's state. */
  readonly hold?: string;
}

/** The kept evidence of a scenario. */
export interface EvidenceFolder {
  /** Path of the folder, as the reader may open it. */
  readonly folder: string;
  /** Paths below the folder, the most telling first. */
  readonly files: readonly string[];
  /** The most telling lines, by file. */
  readonly telling: readonly Quote[];
}

/** Tells the failures of scenarios from the run's own: without an engine each check fails with its words. */
export function isNotOfRun(state: RunState): (one: { readonly failure: Failure }) => boolean {
  const told = new Set(state.failures.map(({ failure }) => failure.message));
  return ({ failure }) => !told.has(failure.message);
}

/** The failures of a scenario that are not the run's own. */
export function ownBlocksOf(
  state: RunState,
  scenario: ScenarioState,
  folder: string,
): readonly FailureBlock[] {
  return blocksOf(state, scenario, folder).filter(isNotOfRun(state));
}

/**
 * The failures of a scenario's last attempt. One that all checks share, such as a failed boot, is told
 * once.
 *
 * @param folder the run directory, as the reader may open it
 */
export function blocksOf(
  state: RunState,
  scenario: ScenarioState,
  folder: string,
): readonly FailureBlock[] {
  const attempt = lastAttempt(scenario);
  const common = {
    again: reproCommand(state, scenario.name),
    hold: holdCommand(state, scenario.name),
  };
  const failed = [...attempt.checks.values()].filter(({ failure }) => failure !== undefined);
  const shared = attempt.failure;
  const isShared =
    shared !== undefined &&
    failed.length > 0 &&
    failed.every(({ failure }) => failure?.message === shared.message);
  const outside = untoldFailures(attempt);
  return [
    ...(isShared ? [{ ...outsideBlock(scenario.name, { where: "set-up", failure: shared }) }] : []),
    ...(isShared ? [] : failed.flatMap((check) => checkBlock(scenario.name, check))),
    ...outside.map((one) => outsideBlock(scenario.name, one)),
  ].map((block) => {
    const of = block.check === undefined ? attempt : attempt.checks.get(block.check);
    return { ...block, ...evidenceOf(scenario, attempt, of?.telling ?? [], folder), ...common };
  });
}

/** @returns the block of a check, whichever way it ended; empty for one without a failure */
export function checkBlock(scenario: string, check: CheckState): FailureBlock[] {
  const { id, title, failure, promise, source } = check;
  if (failure === undefined) return [];
  return [
    {
      ...blockOf(`${scenario} > ${id}`, failure),
      check: id,
      title,
      ...(promise !== undefined && { promise }),
      ...(source !== undefined && { source }),
    },
  ];
}

/** @param of a scenario, or "the run" */
export function outsideBlock(of: string, { where, failure }: OutsideFailure): FailureBlock {
  return { ...blockOf(of, failure), where };
}

function blockOf(name: string, failure: Failure): FailureBlock {
  const { fact, wait, excerpt, quotes = [], diagnoses, hint, evidence = [] } = failure;
  const [first = "", ...rest] = failure.message.split("\n");
  const frame = failure.stack?.split("\n").find((line) => line.includes(".scenario.ts"));
  return {
    name,
    failure,
    says: first,
    // The lines below a fact are its diff.
    rest: fact === undefined ? rest : [],
    quotes,
    files: evidence,
    ...(diagnoses !== undefined && { diagnoses }),
    ...(fact !== undefined && { fact }),
    ...(wait !== undefined && { wait }),
    ...(excerpt !== undefined && { excerpt }),
    ...(hint !== undefined && { hint }),
    ...(frame !== undefined && { frame: frame.trim() }),
  };
}

function evidenceOf(
  { name }: ScenarioState,
  { evidence }: AttemptState,
  telling: readonly Quote[],
  folder: string,
): { readonly evidence?: EvidenceFolder } {
  if (evidence.length === 0) return {};
  const paths = [
    ...telling.map(({ from }) => `${name}/${from}`),
    ...evidence.map(({ path }) => path),
  ];
  const below = paths.map((path) =>
    path.startsWith(`${name}/`) ? path.slice(name.length + 1) : path,
  );
  const inScenario = evidence.every(({ path }) => path.startsWith(`${name}/`));
  return {
    evidence: {
      folder: inScenario ? `${folder}/${name}` : folder,
      files: [...new Set(inScenario ? below : paths)],
      telling,
    },
  };
}
