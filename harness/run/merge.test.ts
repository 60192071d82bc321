import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ROOT } from "../root.ts";
import type { Shard } from "./shard.ts";
import { runApart } from "./testdata/run-apart.ts";
import type { Ran } from "./testdata/run-apart.ts";
import { scenarioFolder, scenarioText } from "./testdata/scenario-folder.ts";

/** Scenarios whose checks pass, fail, skip, break, and pass after a retry. */
const FILES = {
  a: scenarioText("a", ["expect(1).toBe(1);"]),
  b: scenarioText("b", ["expect(1).toBe(2);", "expect(1).toBe(1);"]),
  c: scenarioText("c", ["skip('not today');"]),
  d: "throw new Error('broken');\n",
  e: scenarioText("e", ["expect(1).toBe(1);", "process.exit(3);"]),
};
const NAMES = Object.keys(FILES);
const OPTIONS = { jobs: 1 };
const folder = scenarioFolder(FILES);

/** The shard that is given these scenarios. */
function runShard(index: number, names: readonly string[], options: object = {}): Promise<Ran> {
  const shard: Shard & { whole: readonly string[] } = { index, count: 3, whole: NAMES };
  return runApart(folder, names.join(" "), { ...OPTIONS, ...options, shard });
}

async function merge(...runs: readonly Ran[]): Promise<Merged> {
  const folders = runs.map((ran) => ran.folder);
  return mergeFolders(folders);
}

interface Merged {
  readonly exitCode: number;
  readonly junit: string;
  readonly summary: string;
  readonly stderr: string;
  /** A run is there. */
  readonly left: boolean;
}

async function mergeFolders(folders: readonly string[]): Promise<Merged> {
  const cwd = mkdtempSync(join(tmpdir(), "pvh-merge-"));
  const argv = [join(ROOT, "harness/cli/main.ts"), "merge", ...folders];
  const { exitCode, stderr } = await promisify(execFile)(process.execPath, argv, { cwd }).then(
    (ended) => ({ exitCode: 0, stderr: ended.stderr }),
    (error: unknown) => {
      const { code, stderr: said } = error as { code: number; stderr: string };
      return { exitCode: code, stderr: said };
    },
  );
  const read = (name: string): string => {
    try {
      return readFileSync(join(cwd, ".pvh/runs/latest", name), "utf8");
    } catch {
      return "";
    }
  };
  const left = existsSync(join(cwd, ".pvh/runs"));
  return { exitCode, stderr, left, junit: read("junit.xml"), summary: read("summary.json") };
}

/** Reports without what differs between any two runs: times, names of runs and of folders. */
function bare(report: string): string {
  return report
    .replaceAll(/\d{8}T\d{6}Z-[0-9a-f]{6}/g, "RUN")
    .replaceAll(/ (time|timestamp)="[^"]*"/g, "")
    .replaceAll(/"(\w*ms|bootMs)": \d+/gi, "")
    .replaceAll(/\(\d+ ms\)/g, "");
}

test("a shard leaves the durations by which the other shards are planned; a whole run keeps its own", async () => {
  const historyOf = (ran: Ran): string => join(ran.folder, "../../history");
  expect(existsSync(historyOf(await runShard(1, ["a"])))).toBe(false);
  expect(existsSync(historyOf(await runApart(folder, "a", OPTIONS)))).toBe(true);
});

describe("shards that are merged", { timeout: 240_000 }, () => {
  test("leave the reports and the exit code of one run", async () => {
    const whole = await runApart(folder, "", OPTIONS);
    const parts = [await runShard(3, ["c"]), await runShard(1, ["e", "b"])];
    const merged = await merge(...parts, await runShard(2, ["a", "d"]));
    expect(merged.exitCode).toBe(whole.exitCode);
    expect(bare(merged.junit)).toBe(bare(whole.junit));
    expect(bare(merged.summary)).toBe(bare(`${JSON.stringify(whole.summary, null, 2)}\n`));
  });

  test("are cancelled when one of them was", async () => {
    const waits = scenarioFolder({
      a: FILES.a,
      c: FILES.c,
      f: scenarioText("f", ["await new Promise(() => undefined);"]),
    });
    const interrupt = (chunk: string, pid: number): void => {
      if (chunk.includes('"check.started","scenario":"f"')) process.kill(pid, "SIGINT");
    };
    const shard = { count: 2, whole: ["a", "c", "f"] };
    const whole = await runApart(waits, "", OPTIONS, interrupt);
    const first = { ...OPTIONS, shard: { ...shard, index: 1 } };
    const second = { ...OPTIONS, shard: { ...shard, index: 2 } };
    const merged = await merge(
      await runApart(waits, "f", first, interrupt),
      await runApart(waits, "a c", second),
    );
    expect(whole.exitCode).toBe(130);
    expect(merged.exitCode).toBe(130);
    expect(bare(merged.junit)).toBe(bare(whole.junit));
    expect(merged.junit).toContain("the run was cancelled: SIGINT; 2 checks have no verdict");
  });

  test("are a failure of the machine when one is missing, or its record ends early", async () => {
    const [first, second] = [await runShard(1, ["a"]), await runShard(2, ["c"])];
    const missing = await merge(first, second);
    expect(missing.exitCode).toBe(3);
    expect(missing.junit).toContain("shard 3/3 has no record");
    expect(missing.junit).toContain("no run has judged b, d, e");
    const cut = mkdtempSync(join(tmpdir(), "pvh-cut-"));
    const lines = readFileSync(join(second.folder, "events.jsonl"), "utf8").split("\n");
    const before = lines.findIndex((line) => line.includes('"check.finished"'));
    writeFileSync(join(cut, "events.jsonl"), lines.slice(0, before).join("\n"));
    const ended = await mergeFolders([first.folder, cut]);
    expect(ended.exitCode).toBe(3);
    expect(ended.junit).toContain("the record of shard 2/3 ends early");
    expect(ended.junit).toContain("the record of its run ends before its verdict");
  });

  test("are refused when they are of different runs, or the same one twice", async () => {
    const one = await runShard(1, ["a"]);
    const other = await runShard(2, ["c"], { quirks: ["no-half-close"] });
    const different = await merge(one, other);
    expect(different.exitCode).toBe(2);
    expect(different.left, "a run of parts that were refused").toBe(false);
    expect(different.stderr).toMatch(/of different runs: they differ in quirks/);
    expect((await merge(one, one)).stderr).toMatch(/a ran in .* and in/);
    const nothing = await mergeFolders([dirname(folder)]);
    expect(nothing.stderr).toMatch(/is no run: there is no events\.jsonl in it/);
  });
});
