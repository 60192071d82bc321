import type { ClueKind } from "./clue.ts";

/** Evidence that a rule needs: a line of this kind of file. */
export interface Sign {
  readonly in: ClueKind | readonly ClueKind[];
  /**
   * Regular expression of a line. A named group gives a value, which `{name}` stands for in the signs after
   * it, in the cause and in the fix.
   */
  readonly line: string;
  /**
   * Regular expression of the file's path, whose named groups give values too: the container of a console
   * is in its path.
   */
  readonly from?: string;
  /**
   * `check`: only what was written during the check that failed, by containers that it used or that have a
   * link with one of those. For what may happen at any time, in any container, without being the cause of
   * this failure. In a boot and in logs from elsewhere it is all of the file.
   */
  readonly during?: "check";
  /** Number of lines that must match; default 1. */
  readonly least?: number;
}

/** A known cause of failures, as data. */
export interface DiagnosisRule {
  readonly id: string;
  /** The cause as a fact with its values: "required service '{service}' …". */
  readonly cause: string;
  /** All of it has to be there. */
  readonly shows: readonly Sign[];
  /** None of it may be there. */
  readonly unless?: readonly Sign[];
  /** The next thing to do: a command, or what to change. */
  readonly fix: string;
  /** Section of docs/pantavisor.md, or another document, that tells of it. */
  readonly source: string;
}

/** @param rules in the order in which they are told: the likeliest cause first */
export function defineRules(...rules: readonly DiagnosisRule[]): readonly DiagnosisRule[] {
  return rules;
}
