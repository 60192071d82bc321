import { withoutCommands } from "../../reports/ci-commands.ts";

/** Where a command's words go: data to stdout, everything else to stderr. */
export interface Output {
  /** Prints the requested data, one or more lines. */
  data(text: string): void;
  /** Prints everything else: progress, hints, errors. */
  say(text: string): void;
}

export const processOutput: Output = {
  data: (text) => void process.stdout.write(`${isInCi() ? withoutCommands(text) : text}\n`),
  // Errors and hints quote containers, and a CI obeys lines of a form of its own.
  say: (text) => void process.stderr.write(`${withoutCommands(text)}\n`),
};

/** The CI reads each line of stdout for commands of its own. */
export function isInCi(): boolean {
  const { GITHUB_ACTIONS, TF_BUILD, TEAMCITY_VERSION } = process.env;
  return [GITHUB_ACTIONS, TF_BUILD, TEAMCITY_VERSION].some((value) => (value ?? "") !== "");
}
