import packageJson from "../../package.json" with { type: "json" };
import { Command as Commander, CommanderError, Option as CommanderOption } from "commander";
import { debugTopics } from "../debug.ts";
import { PvhError } from "../errors.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { didYouMean } from "../near-names.ts";
import { Args } from "./command.ts";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import type { Output } from "./output.ts";

/**
 * Read the command line and carry it out.
 * @param words without the program's own name
 * @param commands the table, whose rows tests replace
 * @throws PvhError PVH_USAGE for an invalid command line or PVH_DEBUG, and whatever the command throws
 */
export async function runProgram(
  words: readonly string[],
  out: Output,
  signal: AbortSignal,
  commands: readonly Command[] = COMMANDS,
): Promise<ExitCode> {
  debugTopics();
  let exitCode: ExitCode = EXIT.pass;
  const program = new Commander("pvh")
    .description("Integration tests and appengine orchestration for Pantavisor")
    .version(packageJson.version, "--version", "print the version")
    .option(
      "--config <file>",
      "the project's configuration (default: the nearest pvh.config.ts; none)",
    )
    .hook("preAction", () => {
      const { config } = program.opts<{ config?: string }>();
      if (config !== undefined) process.env["PVH_CONFIG"] = config;
    })
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.data(text.trimEnd()),
      writeErr: () => undefined,
    });
  const add = (parent: Commander, { run, ...command }: Command): void => {
    const child = parent.command(command.name).description(command.summary);
    child.exitOverride().copyInheritedSettings(parent);
    for (const { name, summary } of command.args ?? []) child.argument(name, summary);
    for (const option of command.options ?? []) child.addOption(optionOf(option));
    for (const nested of command.commands ?? []) add(child, nested);
    if (run === undefined) return;
    child.action(async () => {
      // A variadic argument is one array among the processed ones.
      const given = child.processedArgs.flat().filter((word) => typeof word === "string");
      const args = new Args(given, child.opts());
      exitCode = await run({ args, out, signal, commands });
      if (command.leavesRun !== true || signal.aborted) return;
      await (await import("./tidy-runs.ts")).tidyRuns({ args, out });
    });
  };
  for (const command of commands) add(program, command);
  try {
    await program.parseAsync(words.length === 0 ? ["ls"] : [...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.pass;
    throw usageError(error, words);
  }
  return exitCode;
}

function optionOf(option: NonNullable<Command["options"]>[number]): CommanderOption {
  const made = new CommanderOption(option.flags, option.summary);
  if (option.many === true) {
    made.argParser((value: string, earlier: string[] | undefined) => [...(earlier ?? []), value]);
  }
  return made;
}

function usageError(error: CommanderError, words: readonly string[]): PvhError {
  const message = error.message.replace(/^error: /, "");
  const command = COMMANDS.find(({ name }) => name === words[0]);
  const help = command === undefined ? "pvh --help" : `pvh ${command.name} --help`;
  const names = (command?.commands ?? COMMANDS).map(({ name }) => name);
  const of = command === undefined ? "pvh" : `pvh ${command.name}`;
  if (error.code === "commander.unknownCommand") {
    const [, word = ""] = /'(.*?)'/s.exec(message) ?? [];
    return new PvhError("PVH_USAGE", `'${word}' is not a command of ${of}`, {
      hint: didYouMean(word, names) ?? help,
    });
  }
  if (error.code === "commander.help") {
    return new PvhError("PVH_USAGE", `${of} needs a command: ${names.join(", ")}`, { hint: help });
  }
  return new PvhError("PVH_USAGE", (message.split("\n")[0] ?? message).trim(), { hint: help });
}
