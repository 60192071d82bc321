import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { descendants } from "../processes.ts";
import { SpareFork } from "./spare-fork.ts";
import { scenarioFolder, scenarioText } from "./testdata/scenario-folder.ts";

const SLOW = { timeout: 120_000 };

test("the next run has a process that was there before its file changed", SLOW, async () => {
  const body =
    'throw new Error(`first ${performance.timeOrigin < Number("CHANGED")} ${process.env.PVH_AHEAD}`);';
  const folder = scenarioFolder({ a: scenarioText("a", [body]) });
  const program = join(import.meta.dirname, "testdata/run-kept.ts");
  const cwd = mkdtempSync(join(tmpdir(), "pvh-run-"));
  const { stdout } = await promisify(execFile)(process.execPath, [program, folder], { cwd });
  expect(JSON.parse(stdout)).toEqual([
    "Error: first false undefined",
    "Error: second true undefined",
  ]);
});

function spares(text: string): SpareFork {
  const entrypoint = join(mkdtempSync(join(tmpdir(), "pvh-spare-")), "spare.mjs");
  writeFileSync(entrypoint, text);
  const made = new SpareFork();
  made.remember({ entrypoint, execArgv: [], env: process.env });
  return made;
}

test("a process that waits is given once, and ended when it is dropped", SLOW, async () => {
  const waiting = spares("process.on('message', () => undefined);");
  waiting.prepare({});
  const given = waiting.take();
  if (given === undefined) throw new Error("none was given");
  expect(waiting.take()).toBeUndefined();
  process.kill(given.child.pid ?? 0, "SIGKILL");
  await once(given.child, "exit");
  waiting.prepare({});
  expect(children()).toHaveLength(1);
  waiting.drop();
  expect(waiting.take()).toBeUndefined();
  await vi.waitFor(() => expect(children()).toEqual([]), SLOW);
});

test("a process that has ended is not given", SLOW, async () => {
  const waiting = spares("");
  waiting.prepare({});
  const [pid] = children();
  // The kernel keeps it until Node has heard of its end.
  await vi.waitFor(() => expect(existsSync(`/proc/${pid ?? "self"}`)).toBe(false), SLOW);
  expect(waiting.take()).toBeUndefined();
});

/** Processes that wait, of this test. */
function children(): number[] {
  return descendants(process.pid)
    .filter(({ command }) => command.includes("spare.mjs"))
    .map(({ pid }) => pid);
}
