import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EXIT } from "../../reports/exit-codes.ts";
import { ROOT } from "../root.ts";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { runProgram } from "./program.ts";
import type { Output } from "./output.ts";

const pages = globSync(["*.md", "docs/**/*.md", "examples/**/*.md"], { cwd: ROOT }).sort();

/** Calls of pvh in the blocks of a page, as words; what the shell puts in is one word of its own. */
function callsOf(text: string): string[][] {
  const blocks = [...text.matchAll(/^```(?:sh|text)\b.*\n([\s\S]*?)^```/gm)];
  const lines = blocks.flatMap(([, block = ""]) => block.replaceAll(/\\\n\s*/g, " ").split("\n"));
  return lines.flatMap((line) => {
    const [, rest] =
      /^(?:\$ )?(?:[A-Z_]+=\S* )*(?:npx |harness\/setup\/)?pvh (.*)/.exec(line) ?? [];
    if (rest === undefined) return [];
    const plain = rest.replaceAll(/"\$\(.*?\)"/g, "PUT_IN").replace(/ +(#|\||>|<).*$/, "");
    return [
      (plain.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll(/["']/g, "")),
    ];
  });
}

/** The table of commands, in which no command does anything. */
const idle = (commands: readonly Command[]): Command[] =>
  commands.map(({ run, commands: nested, ...command }) => ({
    ...command,
    ...(nested && { commands: idle(nested) }),
    ...(run && { run: () => Promise.resolve(EXIT.pass) }),
  }));

const silent: Output = { data: () => undefined, say: () => undefined };
const { signal } = new AbortController();

test("commands of a block are found, with what a shell takes off", () => {
  const text =
    '```sh\nnpm i\nPVH_X=1 npx pvh run "a b" --jobs 2 # note\npvh ls \\\n  x | cat\n```\n```ts\npvh no\n```\n';
  expect(callsOf(text)).toEqual([
    ["run", "a b", "--jobs", "2"],
    ["ls", "x"],
  ]);
});

test("an option that there is not would be found", async () => {
  const run = runProgram(["run", "--imgae", "x"], silent, signal, idle(COMMANDS));
  await expect(run).rejects.toMatchObject({ code: "PVH_USAGE" });
});

test.each(pages)("every call of pvh in %s is one that pvh takes", async (page) => {
  for (const words of callsOf(readFileSync(join(ROOT, page), "utf8"))) {
    await runProgram(words, silent, signal, idle(COMMANDS)).catch((error: unknown) => {
      throw new Error(`pvh ${words.join(" ")}`, { cause: error });
    });
  }
});
