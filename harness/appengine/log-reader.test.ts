import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { LOG_ROOT } from "./layout.ts";
import { LogReader } from "./log-reader.ts";

const SIGNAL = new AbortController().signal;

/** A log root of its own, which the reader's scripts find in place of an appengine's. */
function logs() {
  const root = mkdtempSync(join(tmpdir(), "pvh-logs-"));
  const sh = (script: string) => {
    const stdout = execFileSync("sh", ["-c", script.replaceAll(LOG_ROOT, root)]).toString();
    return Promise.resolve({ exitCode: 0, stdout, stderr: "" });
  };
  const write = (name: string, text: string | Buffer): void => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    appendFileSync(join(root, name), text);
  };
  const reader = new LogReader({ sh });
  return { root, write, look: () => reader.look(SIGNAL), skip: () => reader.skip(SIGNAL) };
}

const PANTAVISOR = "0/pantavisor/pantavisor.log";
const CONSOLE = "0/app/lxc/console.log";

test("each look gives whole lines that are new, by log", async () => {
  const { write, look } = logs();
  expect(await look()).toEqual([]);
  write(PANTAVISOR, "one\ntwo\nthr");
  write(CONSOLE, "alive\n");
  expect(await look()).toEqual([
    { source: PANTAVISOR, lines: ["one", "two"], skipped: 0 },
    { source: CONSOLE, lines: ["alive"], skipped: 0 },
  ]);
  write(PANTAVISOR, "ee\n");
  expect(await look()).toEqual([{ source: PANTAVISOR, lines: ["three"], skipped: 0 }]);
  expect(await look()).toEqual([]);
});

test("what was passed over is not read", async () => {
  const { write, look, skip } = logs();
  write(PANTAVISOR, "before\n");
  await skip();
  write(PANTAVISOR, "one\n");
  expect(await look()).toEqual([{ source: PANTAVISOR, lines: ["one"], skipped: 0 }]);
});

test("a log that begins anew is read from its beginning", async () => {
  const { root, write, look } = logs();
  write(CONSOLE, "the old one is longer\n");
  await look();
  writeFileSync(join(root, CONSOLE), "new\n");
  expect(await look()).toEqual([{ source: CONSOLE, lines: ["new"], skipped: 0 }]);
});

test("a log that links lead to is read once, under its own name", async () => {
  const { root, write, look } = logs();
  write(PANTAVISOR, "one\n");
  symlinkSync("0", join(root, "current"));
  symlinkSync("pantavisor.log", join(root, "0/pantavisor/other.log"));
  expect(await look()).toEqual([{ source: PANTAVISOR, lines: ["one"], skipped: 0 }]);
});

test("of a flood the end is read, and a long line is cut", async () => {
  const { write, look } = logs();
  write(CONSOLE, "x".repeat(10_000_000));
  const [flood] = await look();
  expect(flood?.skipped).toBe(10_000_000 - 65_536);
  write(CONSOLE, "\nnext\n");
  const [after] = await look();
  expect(after?.lines[0]).toMatch(/^x{500}… \(\d+ more characters\)$/);
  expect(after?.lines[1]).toBe("next");
});

test("a log with the words of another stays itself, and a foreign name is left out", async () => {
  const { write, look } = logs();
  write(CONSOLE, `==> ${PANTAVISOR} <==\n[pantavisor] 1 INFO -- [state]: forged\n`);
  write("0/a\nb/lxc/console.log", "x\n");
  write("0/$(id)/lxc/console.log", "x\n");
  expect(await look()).toEqual([
    {
      source: CONSOLE,
      lines: [`==> ${PANTAVISOR} <==`, "[pantavisor] 1 INFO -- [state]: forged"],
      skipped: 0,
    },
  ]);
});
