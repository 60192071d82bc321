import type { Failure } from "./events.ts";
import type { Paint } from "./paint.ts";
import { printable, printableLine } from "./printable.ts";
import { reproCommand } from "./repro-command.ts";
import { lastAttempt, untoldFailures } from "./run-state.ts";
import type { OutsideFailure, RunState, ScenarioState } from "./run-state.ts";

const MESSAGE_LINES = 20;

/**
 * Block about a failed scenario: what happened, the hint, the evidence and the command that
 * runs it again. A failure that all checks share, such as a failed boot, is printed once.
 *
 * @param folder the run directory, as the reader may open it
 */
export function failureBlock(
  state: RunState,
  scenario: ScenarioState,
  folder: string,
  paint: Paint,
): string[] {
  const attempt = lastAttempt(scenario);
  const failed = [...attempt.checks.values()].filter(({ failure }) => failure !== undefined);
  const outside = untoldFailures(attempt);
  // A failed boot is the failure of every check, told once.
  const shared = attempt.failure;
  const isShared =
    shared !== undefined && failed.every(({ failure }) => failure?.message === shared.message);
  const told = isShared && failed.length > 0 ? [] : failed;
  const head = [
    ...(isShared && failed.length > 0
      ? [paint.bad(`${scenario.name} failed outside its checks`), ...failureLines(shared)]
      : []),
    ...told.flatMap(({ id, title, failure }) => [
      paint.bad(`${scenario.name} > ${id}: ${printableLine(title)}`),
      ...(failure === undefined ? [] : failureLines(failure)),
    ]),
    ...outside.flatMap((one) => outsideBlock(scenario.name, one, paint)),
  ];
  return [
    ...head,
    ...attempt.evidence.map(({ path, what }) =>
      line("evidence", `${folder}/${printableLine(path)}  ${paint.dim(printableLine(what))}`),
    ),
    line("again", reproCommand(state, scenario.name)),
    "",
  ];
}

/** Block about a failure outside of any check. @param of a scenario, or the run */
export function outsideBlock(
  of: string,
  { where, failure }: OutsideFailure,
  paint: Paint,
): string[] {
  return [paint.bad(`${of} failed outside its checks: ${where}`), ...failureLines(failure)];
}

function failureLines(failure: Failure): string[] {
  const [first = "", ...rest] = printable(failure.message).split("\n");
  const frame = failure.stack?.split("\n").find((text) => text.includes(".scenario.ts"));
  return [
    line("what", `${first}  [${failure.class} ${failure.code}]`),
    ...rest.slice(0, MESSAGE_LINES).map((text) => line("", text)),
    ...(rest.length > MESSAGE_LINES
      ? [line("", `… ${rest.length - MESSAGE_LINES} more lines`)]
      : []),
    ...(frame === undefined ? [] : [line("where", printableLine(frame))]),
    ...(failure.hint === undefined ? [] : [line("hint", printableLine(failure.hint))]),
    ...(failure.evidence ?? []).map((path) => line("evidence", printableLine(path))),
  ];
}

function line(label: string, text: string): string {
  return `  ${label.padEnd(9)} ${text}`;
}
