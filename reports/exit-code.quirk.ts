import { EXIT } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { RunState } from "./run-state.ts";

/** The code of a run; under the quirk 1 for whatever is not green. */
export function undivided({ started }: RunState, code: ExitCode): ExitCode {
  const isDivided = started?.quirks.includes("exit-undivided") !== true;
  return isDivided || code === EXIT.pass ? code : EXIT.failed;
}
