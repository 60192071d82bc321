import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readEvidence } from "./read-evidence.ts";

test("regular files are read, of long ones the end; links, fifos and archives are not", () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-evidence-"));
  mkdirSync(join(folder, "logs/0"), { recursive: true });
  writeFileSync(join(folder, "logs/0/a.log"), "hello\n");
  writeFileSync(join(folder, "logs/long.log"), `${"x".repeat(600_000)}end`);
  writeFileSync(join(folder, "storage.tgz"), "no text");
  symlinkSync("/etc/passwd", join(folder, "passwd"));
  symlinkSync("/etc", join(folder, "etc"));
  execFileSync("mkfifo", [join(folder, "fifo")]);
  const texts = readEvidence(folder);
  expect(texts.map(({ path }) => path)).toEqual(["logs/0/a.log", "logs/long.log"]);
  expect(texts[0]?.text).toBe("hello\n");
  expect(texts[1]?.text.length).toBe(512 * 1024);
  expect(texts[1]?.text.endsWith("end")).toBe(true);
});

test("a folder that is not there has no evidence", () => {
  expect(readEvidence("/nowhere/at/all")).toEqual([]);
});
