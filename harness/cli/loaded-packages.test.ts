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

async function packagesOf(words: readonly string[]): Promise<string> {
  const hook = `data:text/javascript,${encodeURIComponent(PRINT_PACKAGES)}`;
  const run = () =>
    promisify(execFile)(process.execPath, ["--import", hook, MAIN, ...words], {
      env: { ...process.env, PVH_CONFIG: "" },
    });
  return /packages: (.*)/.exec((await run()).stderr)?.[1] ?? "nothing printed";
}

test("a command loads no package that it does not use", async () => {
  expect(await packagesOf(["--version"])).toBe("");
  // Without an index of the scenarios it reads their files, and the catalogue by its schema.
  expect(await packagesOf(["ls"])).toMatch(/^commander( zod)?$/);
});
