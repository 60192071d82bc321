import { NATIVE } from "./events.ts";
import { scenarioName } from "./run-state.ts";
import type { RunState } from "./run-state.ts";
import { shellWord } from "./shell-word.ts";

/** The command that runs a scenario again as it ran here. */
export function reproCommand(state: RunState, scenario: string): string {
  const { started } = state;
  if (started?.command[0] === "import") return importAgain(state, started.command, scenario);
  const words = ["npx", "pvh", "scenario", ...target(state, scenario, AS_GIVEN)];
  if (started !== undefined) words.push(`--seed=${started.seed}`);
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
  const words = ["npx", "pvh", "up", "--scenario", ...target(state, scenario, OF_A_BOOT)];
  return words.map(shellWord).join(" ");
}

/** The scenario's name, and the flags with which its appengine was booted here. */
function target({ started }: RunState, scenario: string, asGiven: RegExp): string[] {
  const name = scenarioName(scenario);
  if (started === undefined) return [name];
  const { command, profile, quirks } = started;
  return [
    name,
    ...command.filter((word) => word.startsWith("--image=")),
    ...(profile !== "strict" && profile !== NATIVE ? [`--profile=${profile}`] : []),
    ...(quirks.length > 0 ? [`--quirk=${quirks.join(",")}`] : []),
    ...command.filter((word) => asGiven.test(word)),
  ];
}

/** Flags that change a boot. */
const OF_A_BOOT = /^--(?:boot|broker|limit|timeout-scale)=/;

/** Flags without a field of their own in the record. */
const AS_GIVEN = /^--(?:boot|broker|watchers|limit|timeout-scale|retries|jobs)=/;
