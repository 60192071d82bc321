import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processes } from "../processes.ts";
import { until } from "../until.ts";
import { readText } from "./machine-checks.ts";
import { livingPid } from "./private-engine-files.ts";

let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-pid-"));
  file = join(folder, "it.pid");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a pid is told when its process has the word", () => {
  writeFileSync(file, `${process.pid}\n`);
  expect(livingPid(file, "node")).toBe(process.pid);
});

test("a pid that another process has got since is none", () => {
  writeFileSync(file, String(process.pid));
  expect(livingPid(file, folder)).toBeUndefined();
});

test("a process that has ended and waits for its parent is none", async () => {
  // The shell becomes a program that never looks after its children.
  const parent = spawn("sh", ["-c", `sh -c 'echo $$ >"${file}"; exit' & exec sleep 60`]);
  try {
    await until(
      "the child's end",
      () => {
        const pid = Number(readText(file));
        return pid > 0 && !processes().some((one) => one.pid === pid);
      },
      { timeout: 10_000 },
    );
    expect(process.kill(Number(readText(file)), 0)).toBe(true);
    expect(livingPid(file, "")).toBeUndefined();
  } finally {
    const gone = once(parent, "exit");
    parent.kill("SIGKILL");
    await gone;
  }
});

test.each(["", "no pid", "-1", "99999999"])("a file that says %j is none", (text) => {
  writeFileSync(file, text);
  expect(livingPid(file, "node")).toBeUndefined();
});

test("a missing file is none", () => expect(livingPid(file, "node")).toBeUndefined());
