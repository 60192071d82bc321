import { NATIVE } from "./events.ts";
import { scenarioName } from "./run-state.ts";
import type { RunState } from "./run-state.ts";
import { shellWord } from "./shell-word.ts";

/** The command that runs a scenario again as it ran here. */
export function reproCommand(state: RunState, scenario: string): string {
  const { started } = state;
  if (started?.command[0] === "import") return importAgain(state, started.command, scenario);
  const words = ["npx", "pvh", "scenario", scenarioName(scenario)];
  if (started !== undefined) {
    words.push(...started.command.filter((word) => word.startsWith("--image=")));
    if (started.profile !== "strict" && started.profile !== NATIVE)
      words.push(`--profile=${started.profile}`);
    if (started.quirks.length > 0) words.push(`--quirk=${started.quirks.join(",")}`);
    words.push(...started.command.filter((word) => AS_GIVEN.test(word)));
    words.push(`--seed=${started.seed}`);
  }
  return words.map(shellWord).join(" ");
}

/** A test of another format is named by its directory. */
function importAgain(state: RunState, command: readonly string[], scenario: string): string {
  const file = state.scenarios.get(scenario)?.file ?? "";
  const folder = file.slice(0, file.lastIndexOf("/"));
  const flags = command.filter((word) => word.startsWith("--") && word !== "--record");
  return ["npx", "pvh", "import", folder, ...flags].map(shellWord).join(" ");
}

/** The command that boots the appengine of a scenario as it was booted here, and leaves it running. */
export function holdCommand(state: RunState, scenario: string): string {
  const { started } = state;
  const words = ["npx", "pvh", "up", "--scenario", scenarioName(scenario)];
  if (started !== undefined) {
    words.push(...started.command.filter((word) => word.startsWith("--image=")));
    if (started.profile !== "strict" && started.profile !== NATIVE)
      words.push(`--profile=${started.profile}`);
    if (started.quirks.length > 0) words.push(`--quirk=${started.quirks.join(",")}`);
    words.push(...started.command.filter((word) => OF_A_BOOT.test(word)));
  }
  return words.map(shellWord).join(" ");
}

/** Flags that change a boot. */
const OF_A_BOOT = /^--(?:boot|broker|limit|timeout-scale)=/;

/** Flags without a field of their own in the record. */
const AS_GIVEN = /^--(?:boot|broker|watchers|limit|timeout-scale|retries|jobs)=/;
