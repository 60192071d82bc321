import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { completionScript, SHELLS } from "./completion-script.ts";
import { COMMANDS } from "./commands.ts";

const file = join(mkdtempSync(join(tmpdir(), "pvh-completion-")), "pvh.bash");
writeFileSync(file, completionScript("bash", COMMANDS));

/** Words that bash offers for the last of these. */
function offered(...words: readonly string[]): string[] {
  const script = `source "$1"; shift; COMP_WORDS=(pvh "$@"); COMP_CWORD=$#; _pvh; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script, "bash", file, ...words])
    .toString()
    .trim()
    .split("\n");
}

test("bash completes commands, commands below them, and options", () => {
  expect(offered("conf")).toEqual(["conformance"]);
  expect(offered("exports", "l")).toEqual(["lint"]);
  expect(offered("run", "unix", "--last")).toEqual(["--last-failed"]);
  expect(offered("report", "latest", "--form")).toEqual(["--format"]);
  expect(offered("")).toEqual(expect.arrayContaining(COMMANDS.map(({ name }) => name)));
});

test.each(SHELLS)("the script for %s has every command", (shell) => {
  const script = completionScript(shell, COMMANDS);
  for (const { name } of COMMANDS) expect(script).toMatch(new RegExp(`\\b${name}\\b`));
});

test.each(["zsh", "fish"] as const)("%s can read its script, where it is installed", (shell) => {
  const script = completionScript(shell, COMMANDS);
  const { error, status, stderr } = spawnSync(shell, ["-n"], { input: script });
  if (error === undefined) expect([status, stderr.toString()]).toEqual([0, ""]);
  else expect(script.split("\n").filter((line) => line.includes("\t"))).toEqual([]);
});
