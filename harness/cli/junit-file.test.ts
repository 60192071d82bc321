import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { JunitFile } from "./junit-file.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "pvh-junit-"));

test("the report's folder is made, and an earlier report is not left for this one", () => {
  const base = folder();
  const path = join(base, "out/junit.xml");
  const report = join(base, "report");
  writeFileSync(report, "<testsuites/>");
  new JunitFile(path).fill(report);
  expect(readFileSync(path, "utf8")).toBe("<testsuites/>");
  new JunitFile(path);
  expect(existsSync(path)).toBe(false);
});

test.each([
  ["a folder", "."],
  ["below a file", "file/junit.xml"],
])("%s is refused before anything runs", (_what, name) => {
  const base = folder();
  writeFileSync(join(base, "file"), "");
  expect(() => new JunitFile(join(base, name))).toThrow("cannot be written");
});

test("what is no file of its own stays: a link, a pipe", () => {
  const base = folder();
  const report = join(base, "report");
  writeFileSync(report, "<testsuites/>");
  const link = join(base, "link");
  writeFileSync(join(base, "target"), "");
  symlinkSync("target", link);
  new JunitFile(link).fill(report);
  expect(readlinkSync(link)).toBe("target");
  const fifo = join(base, "fifo");
  execFileSync("mkfifo", [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  new JunitFile(fifo).fill(report);
  expect(readFileSync(reader, "utf8")).toBe("<testsuites/>");
  closeSync(reader);
});

test("a report that cannot be put there is still told of", () => {
  const base = folder();
  const path = join(base, "gone/junit.xml");
  const file = new JunitFile(path);
  rmSync(join(base, "gone"), { recursive: true });
  expect(() => file.fill(join(base, "report"))).toThrow(path);
});
