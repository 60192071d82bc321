import { exitReason } from "./exit-code.ts";
import { toldBlocks } from "./failure-block.ts";
import type { Failure } from "./events.ts";
import { printable, printableLine } from "./printable.ts";
import { isFlaky } from "./run-state.ts";
import type { RunState } from "./run-state.ts";
import { closingLine } from "./terminal.ts";

/** GitHub shows 10 annotations of each kind for a step; the last one tells of the rest. */
const MOST = 8;
const LONGEST = 4_000;

interface Annotated {
  readonly title: string;
  readonly file: string | undefined;
  readonly failure: Failure;
}

/**
 * Annotations for GitHub Actions, a workflow command a line: errors for what failed, the product's first,
 * warnings for what is flaky, a notice with the counts.
 */
export function githubAnnotations(state: RunState): string[] {
  const all = annotated(state).toSorted((a, b) => weightOf(a.failure) - weightOf(b.failure));
  const flaky = [...state.scenarios.values()].filter(isFlaky);
  const rest = all.length - MOST;
  const reason = exitReason(state);
  return [
    ...all.slice(0, MOST).map(errorLine),
    ...(rest > 0 ? [command("error", {}, `${rest} more failures are in the summary`)] : []),
    ...flaky
      .slice(0, MOST)
      .map(({ name, file }) =>
        command("warning", { file, title: name }, `${name} passed only after a retry`),
      ),
    command(
      "notice",
      { title: "pvh" },
      `${closingLine(state)}${reason === undefined ? "" : `; ${reason}`}`,
    ),
  ];
}

function annotated(state: RunState): Annotated[] {
  const { run, scenarios } = toldBlocks(state, "");
  return [
    ...scenarios.flatMap(({ scenario: { file }, blocks }) =>
      blocks.map(({ name, where, failure }) => ({
        title: where === undefined ? name : `${name}: ${where}`,
        file,
        failure,
      })),
    ),
    ...run.map(({ where = "", failure }) => ({ title: where, file: undefined, failure })),
  ];
}

function errorLine({ title, file, failure }: Annotated): string {
  const line = /\.scenario\.ts:(\d+)/.exec(failure.stack ?? "")?.[1];
  const hint = failure.hint === undefined ? "" : `\nhint: ${failure.hint}`;
  return command("error", { file, line, title }, `${failure.message}${hint}`);
}

function weightOf({ class: of }: Failure): number {
  return of === "product" ? 0 : of === "scenario" ? 1 : 2;
}

type Properties = Readonly<Record<string, string | undefined>>;

/** `::error file=a,line=1,title=b::text`, escaped as actions/toolkit does (command.ts). */
function command(kind: string, properties: Properties, text: string): string {
  const given = Object.entries(properties).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${escapedProperty(printableLine(value, 200))}`],
  );
  const head = given.length === 0 ? kind : `${kind} ${given.join(",")}`;
  return `::${head}::${escaped(printable(text).slice(0, LONGEST))}`;
}

function escaped(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapedProperty(text: string): string {
  return escaped(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
