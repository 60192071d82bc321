import type { Failure } from "./events.ts";
import type { CodeExcerpt, Diagnosis, Fact, Quote, Wait } from "./failure-details.ts";
import { holdCommand, reproCommand } from "./repro-command.ts";
import { inOrder, lastAttempt, untoldFailures } from "./run-state.ts";
import type { AttemptState, CheckState, OutsideFailure, RunState } from "./run-state.ts";
import type { ScenarioState } from "./run-state.ts";
import { hasBegun, setUpFailure, unrunChecks } from "./told-once.ts";
import type { Unrun } from "./told-once.ts";

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
  /** Checks that did not run for it. */
  readonly unrun?: Unrun;
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

/** All that a report tells, each failure once. */
export interface ToldBlocks {
  /** Failures of the run itself. */
  readonly run: readonly FailureBlock[];
  /** Those of each scenario, but for what the run or an earlier scenario tells. */
  readonly scenarios: readonly {
    readonly scenario: ScenarioState;
    readonly blocks: readonly FailureBlock[];
  }[];
}

/** @param folder the run directory, as the reader may open it */
export function toldBlocks(state: RunState, folder: string): ToldBlocks {
  const unrun = unrunChecks(state);
  const ofRun = new Set(state.failures.map(({ failure }) => failure.message));
  const told = new Set(ofRun);
  const scenarios = inOrder(state).map((scenario) => {
    const blocks = blocksOf(state, scenario, folder);
    if (hasBegun(lastAttempt(scenario))) {
      return { scenario, blocks: blocks.filter(({ failure }) => !ofRun.has(failure.message)) };
    }
    const first = blocks.filter(
      ({ failure: { message } }) => !told.has(message) && told.add(message),
    );
    return { scenario, blocks: first.map((block) => withUnrun(block, unrun)) };
  });
  const run = state.failures.map((one) => withUnrun(outsideBlock("the run", one), unrun));
  return { run, scenarios };
}

/** @param unrun checks that did not run, by the message of their failure */
export function withUnrun(block: FailureBlock, unrun: ReadonlyMap<string, Unrun>): FailureBlock {
  const checks = unrun.get(block.failure.message);
  return checks === undefined ? block : { ...block, unrun: checks };
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
    // Without an appengine there is nothing to hold.
    ...(hasBegun(attempt) && { hold: holdCommand(state, scenario.name) }),
  };
  const shared = setUpFailure(attempt);
  const checks = shared === undefined ? [...attempt.checks.values()] : [];
  const outside = untoldFailures(attempt);
  return [
    ...(shared === undefined
      ? []
      : [outsideBlock(scenario.name, { where: "set-up", failure: shared })]),
    ...checks.flatMap((check) => checkBlock(scenario.name, check)),
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
