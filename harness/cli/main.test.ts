import { spawn } from "node:child_process";
import type { StdioOptions } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "main.ts");

async function pvh(words: readonly string[], stdio: StdioOptions, deaf = false) {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio });
  if (deaf) {
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
  const said = child.stderr === null || deaf ? "" : text(child.stderr);
  const [code] = (await once(child, "exit")) as [number | null];
  return { code, said: await said };
}

test("nobody reading is no error, and hides none", async () => {
  const pipes: StdioOptions = ["ignore", "pipe", "pipe"];
  expect((await pvh(["coverage", "--json"], pipes, true)).code).toBe(0);
  expect((await pvh(["scenario", "no-such-scenario"], pipes, true)).code).toBe(2);
  expect((await pvh(["ls", "no-such-*"], pipes, true)).code).toBe(4);
});

test("a command goes on to its end when nobody reads what it says", async () => {
  const program = `
    import { watchOutput } from ${JSON.stringify(new URL("lost-output.ts", import.meta.url).href)};
    watchOutput(process.stdout);
    watchOutput(process.stderr);
    process.stdin.once("end", () => {
      process.stdout.write("word");
      process.stderr.write("word");
      setImmediate(() => process.exit(7));
    }).resume();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
  child.stdout.destroy();
  child.stderr.destroy();
  child.stdin.end();
  expect(await once(child, "exit")).toEqual([7, null]);
});

test("data that cannot be written is missed by somebody", async () => {
  const { code, said } = await pvh(
    ["ls", "--json"],
    ["ignore", openSync("/dev/full", "w"), "pipe"],
  );
  expect(code).toBe(3);
  expect(said).toContain("stdout cannot be written: ENOSPC");
});
