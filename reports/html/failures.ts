import type { Failure } from "../events.ts";
import { reproCommand } from "../repro-command.ts";
import { lastAttempt, untoldFailures } from "../run-state.ts";
import type { RunState } from "../run-state.ts";

/** A failure, as the page shows it. */
export interface ShownFailure {
  readonly scenario: string;
  readonly check: string;
  readonly title: string;
  readonly where: string;
  readonly class: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly frame: string;
  readonly again: string;
}

/** Characters of all messages; above it each is cut to its share. */
const ALL = 3_000_000;
const LONGEST = 16_000;

/** Failures of the run itself, then those of its scenarios. */
export function failuresOfRun(state: RunState, folder: string): ShownFailure[] {
  const all = [
    ...state.failures.map(({ where, failure }) => ({
      scenario: "",
      check: "",
      title: "",
      where,
      failure,
    })),
    ...[...state.scenarios.values()].flatMap((scenario) => {
      const attempt = lastAttempt(scenario);
      const checks = [...attempt.checks.values()].flatMap(({ id, title, failure }) =>
        failure === undefined ? [] : [{ check: id, title, where: "", failure }],
      );
      const outside = untoldFailures(attempt).map(({ where, failure }) => ({
        check: "",
        title: "",
        where,
        failure,
      }));
      return [...checks, ...outside].map((one) => ({ scenario: scenario.name, ...one }));
    }),
  ];
  const longest = Math.min(LONGEST, Math.floor(ALL / Math.max(1, all.length)));
  return all.map(({ failure, scenario, ...of }) => ({
    scenario,
    ...of,
    ...shown(failure, longest),
    again: scenario === "" ? `pvh report ${folder}` : reproCommand(state, scenario),
  }));
}

function shown(failure: Failure, longest: number) {
  const { class: of, code, message, hint = "", stack = "" } = failure;
  const frame = stack.split("\n").find((line) => line.includes(".scenario.ts")) ?? "";
  return { class: of, code, message: cut(message, longest), hint, frame: frame.trim() };
}

function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest)}… (${text.length - longest} more characters)`;
}
