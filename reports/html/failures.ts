import { toldBlocks } from "../failure-block.ts";
import type { FailureBlock } from "../failure-block.ts";
import type { CodeExcerpt, Quote } from "../failure-details.ts";
import type { RunState } from "../run-state.ts";
import { unrunWords } from "../told-once.ts";

/** A failure, as the page shows it: the block of every report. */
export interface ShownFailure {
  /** Empty for the run itself. */
  readonly scenario: string;
  readonly name: string;
  readonly check: string;
  readonly title: string;
  readonly where: string;
  /** Checks that did not run for it. */
  readonly unrun: string;
  readonly class: string;
  readonly code: string;
  readonly says: string;
  readonly rest: readonly string[];
  readonly diff: readonly string[];
  readonly promise: string;
  readonly source: string;
  readonly missing: string;
  readonly seen?: Quote;
  readonly excerpt?: CodeExcerpt;
  readonly quotes: readonly Quote[];
  /** Known causes with their fixes, the likeliest first. */
  readonly causes: readonly (readonly [cause: string, fix: string])[];
  readonly hint: string;
  readonly frame: string;
  readonly again: string;
  readonly hold: string;
}

/** Characters of all failures; above it each is cut to its share. */
const ALL = 3_000_000;
const LONGEST = 16_000;
const MOST_LINES = 200;
const MOST_QUOTES = 6;

/** Failures of the run itself, then those of its scenarios. */
export function failuresOfRun(state: RunState, folder: string): ShownFailure[] {
  const told = toldBlocks(state, folder);
  const all: { readonly scenario: string; readonly block: FailureBlock }[] = [
    ...told.run.map((block) => ({ scenario: "", block })),
    ...told.scenarios.flatMap(({ scenario, blocks }) =>
      blocks.map((block) => ({ scenario: scenario.name, block })),
    ),
  ];
  const longest = Math.min(LONGEST, Math.floor(ALL / Math.max(1, all.length)));
  return all.map(({ scenario, block }) => shown(scenario, block, longest));
}

function shown(scenario: string, block: FailureBlock, longest: number): ShownFailure {
  const { failure, fact, wait, excerpt, diagnoses = [], evidence } = block;
  let room = longest;
  const cut = (text: string): string => {
    const kept = text.slice(0, room);
    room -= kept.length;
    const left = text.length - kept.length;
    return left === 0 ? text : `${kept}… (${left} more characters)`;
  };
  const lines = (all: readonly string[]): string[] =>
    all.slice(0, MOST_LINES).flatMap((line) => (room > 0 ? [cut(line)] : []));
  const quote = ({ from, lines: all }: Quote): Quote => ({ from, lines: lines(all) });
  return {
    scenario,
    name: block.name,
    check: block.check ?? "",
    title: block.title ?? "",
    where: block.where ?? "",
    unrun: block.unrun === undefined ? "" : unrunWords(block.unrun),
    class: failure.class,
    code: failure.code,
    says: cut(block.says),
    promise: cut(block.promise ?? ""),
    source: block.source ?? "",
    causes: diagnoses.map(({ cause, fix }) => [cut(cause), cut(fix)] as const),
    hint: cut(block.hint ?? ""),
    missing: cut(wait?.missing ?? ""),
    rest: lines(block.rest),
    diff: lines(fact?.diff ?? []),
    ...(wait?.seen !== undefined && { seen: quote(wait.seen) }),
    ...(excerpt !== undefined && { excerpt: { ...excerpt, lines: lines(excerpt.lines) } }),
    quotes: [...block.quotes, ...(evidence?.telling ?? [])].slice(0, MOST_QUOTES).map(quote),
    frame: block.frame ?? "",
    again: block.again ?? "",
    hold: block.hold ?? "",
  };
}
