import type { Command } from "./command.ts";

/** docs/cli.md: every command with its arguments and options, from the table of commands. */
export function cliMarkdown(commands: readonly Command[]): string {
  return [
    "# Command line",
    "",
    "Made of the table of commands: `node harness/cli/reference.main.ts >docs/cli.md`. The option",
    "`--config FILE` comes before the command: `pvh --config none run`.",
    "",
    ...commands.flatMap((command) => section(command, "pvh")),
  ].join("\n");
}

function section(command: Command, before: string): string[] {
  const name = `${before} ${command.name}`;
  const args = command.args ?? [];
  const nested = (command.commands ?? []).flatMap((one) => section(one, name));
  if (command.run === undefined) return nested;
  const rows = [
    ...args.map((one): Row => [one.name, one.summary]),
    ...(command.options ?? []).map((one): Row => [one.flags, one.summary]),
  ];
  const usage = [name, ...args.map((one) => one.name)].join(" ");
  return [
    `## \`${usage}\``,
    "",
    `${sentence(command.summary)}.`,
    "",
    ...(rows.length === 0 ? [] : [...table(rows), ""]),
    ...nested,
  ];
}

type Row = readonly [name: string, summary: string];

function table(rows: readonly Row[]): string[] {
  const cells = [
    ["", ""],
    ...rows.map(([name, summary]) => [`\`${escaped(name)}\``, escaped(summary)]),
  ];
  const widths = [0, 1].map((at) => Math.max(3, ...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[], fill = " "): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0, fill)).join(" | ")} |`;
  const [head = [], ...rest] = cells;
  return [line(head), line(["", ""], "-"), ...rest.map((row) => line(row))];
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("*", "\\*");
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1).replaceAll("*", "\\*");
}
