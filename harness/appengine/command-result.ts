import { exitText, lastWords } from "../engine/last-words.ts";
import { PvhError } from "../errors.ts";

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds of given time. */
  readonly timeout?: number;
  /** Words for it in the timeline, instead of the script. */
  readonly told?: string;
  /** It is not told in the timeline. */
  readonly untold?: boolean;
}

/**
 * Output of a command that succeeded.
 * @param what the command, as the error names it
 * @throws PvhError PVH_COMMAND with its exit status and the end of its stderr unless it succeeded;
 *         PVH_NO_PROGRAM when it could not be started
 */
export function checked({ exitCode, stdout, stderr }: CommandResult, what: string): string {
  if (exitCode === 0) return stdout;
  throw commandFailed(what, exitCode, lastWords(stderr === "" ? stdout : stderr));
}

/** @param words the end of what it said */
export function commandFailed(what: string, exitCode: number, words: string): PvhError {
  const code = exitCode === 126 || exitCode === 127 ? "PVH_NO_PROGRAM" : "PVH_COMMAND";
  return new PvhError(code, `${brief(what)}: ${exitText(exitCode)}${words}`);
}

function brief(what: string): string {
  const line = what.trim().replaceAll(/\s+/g, " ");
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
