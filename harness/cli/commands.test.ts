import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";

/** The words of every command that can be called. */
function callable(commands: readonly Command[], before: readonly string[] = []): string[][] {
  return commands.flatMap((command) => {
    const words = [...before, command.name];
    const own = command.run === undefined ? [] : [words];
    return [...own, ...callable(command.commands ?? [], words)];
  });
}

test.each(callable(COMMANDS).map((words) => [words.join(" ")]))(
  "pvh %s has a file of its own, and the table calls what is in it",
  (words) => {
    const name = words.replaceAll(" ", "-");
    const called = `${name.replaceAll(/-./g, (part) => part.slice(1).toUpperCase())}Command`;
    const own = readFileSync(join(import.meta.dirname, `${name}.ts`), "utf8");
    const table = readFileSync(join(import.meta.dirname, "commands.ts"), "utf8");
    expect(own).toMatch(new RegExp(`export (async )?function ${called}\\(`));
    expect(table).toMatch(new RegExp(`import\\("\\./${name}\\.ts"\\)\\)+\\.${called}\\(call\\)`));
  },
);

/** Names every package that is loaded, on stderr. */
const HOOK = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  import { writeSync } from "node:fs";
  registerHooks({
    load(url, context, next) {
      const [, name] = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*\\/node_modules\\/)/.exec(url) ?? [];
      if (name !== undefined) writeSync(2, \`\${name}\\n\`);
      return next(url, context);
    },
  });`)}`;

async function packagesOf(...words: readonly string[]): Promise<string[]> {
  const main = join(import.meta.dirname, "main.ts");
  const { stderr } = await promisify(execFile)(process.execPath, [
    "--import",
    HOOK,
    main,
    ...words,
  ]);
  return [...new Set(stderr.split("\n").filter((line) => line !== ""))];
}

test("pvh --version loads no package", async () => {
  expect(await packagesOf("--version")).toEqual([]);
});

test.each([["--help"], ["run --help"]])(
  "pvh %s loads the parser of the command line, and no other package",
  async (words) => {
    expect(await packagesOf(...words.split(" "))).toEqual(["commander"]);
  },
);
