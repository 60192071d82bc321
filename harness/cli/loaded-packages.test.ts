import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "main.ts");

/** Prints the packages of node_modules that a command has loaded, at its end. */
const PRINT_PACKAGES = `
  import { registerHooks } from "node:module";
  const packages = new Set();
  registerHooks({
    load(url, context, next) {
      const name = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
      if (name !== undefined) packages.add(name);
      return next(url, context);
    },
  });
  process.on("exit", () => console.error("packages: " + [...packages].join(" ")));`;

test("--version loads no package, and help only that of the command line", async () => {
  const hook = `data:text/javascript,${encodeURIComponent(PRINT_PACKAGES)}`;
  const packagesOf = async (word: string): Promise<string | undefined> => {
    const words = ["--import", hook, MAIN, word];
    const { stderr } = await promisify(execFile)(process.execPath, words);
    return /packages: (.*)/.exec(stderr)?.[1];
  };
  expect(await packagesOf("--version")).toBe("");
  expect(await packagesOf("--help")).toBe("commander");
});
