import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunEvent } from "../../reports/events.ts";
import { foldRun } from "../../reports/run-state.ts";
import { record, start } from "../../reports/testdata/sample-run.ts";
import { evidenceExcerpts } from "./evidence-excerpts.ts";
import { lastGoodRun } from "./last-good-run.ts";

const runs = mkdtempSync(join(tmpdir(), "pvh-good-"));

function events(run: string): readonly RunEvent[] {
  const host = { name: "h", kernel: "k", node: "n" };
  const of = { command: [], image: "i", profile: "strict", quirks: [], selected: ["s"], seed: 1 };
  return [
    { type: "run.started", run, ...of, host },
    start("s", "unix", [["unix.a", "t"]]),
    { type: "evidence", scenario: "s", path: "s/boot.log", what: "output" },
    { type: "evidence", scenario: "s", path: "s/logs", what: "logs" },
    { type: "evidence", scenario: "s", path: "../../etc/boot.log", what: "x" },
    { type: "scenario.finished", scenario: "s", verdict: "failed", ms: 5 },
    { type: "run.finished", ms: 9, exitCode: 1 },
  ];
}

function written(run: string, exitCode: number, scenario: string): void {
  const folder = join(runs, run);
  mkdirSync(folder);
  const summary = { exitCode, scenarios: [{ name: scenario }] };
  writeFileSync(join(folder, "summary.json"), JSON.stringify(summary));
  const lines = record(events(run)).map((event) => JSON.stringify(event));
  writeFileSync(join(folder, "events.jsonl"), `${lines.join("\n")}\n`);
}

test("the last good run is the newest before this one that passed and has a scenario of it", () => {
  written("20261101T000000Z-aaaaaa", 0, "s");
  written("20261102T000000Z-bbbbbb", 0, "s~2");
  written("20261103T000000Z-cccccc", 1, "s");
  written("20261104T000000Z-dddddd", 0, "other");
  written("20261106T000000Z-ffffff", 0, "s");
  mkdirSync(join(runs, "20261105T000000Z-eeeeee"));
  writeFileSync(join(runs, "20261105T000000Z-eeeeee/summary.json"), "{");
  const now = "20261105T120000Z-111111";
  const state = foldRun(record(events(now)));
  expect(lastGoodRun(join(runs, now), state)?.started?.run).toBe("20261102T000000Z-bbbbbb");
  expect(lastGoodRun(join(runs, "nowhere", now), state)).toBeUndefined();
});

test("excerpts are the ends of telling files of failed scenarios, and of nothing beside them", () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-excerpts-"));
  mkdirSync(join(folder, "s/logs/0/app/lxc"), { recursive: true });
  writeFileSync(join(folder, "s/boot.log"), "short");
  writeFileSync(join(folder, "s/logs/0/app/lxc/console.log"), `${"x".repeat(50_000)}the end`);
  writeFileSync(join(folder, "s/logs/0/app/other.log"), "not telling");
  symlinkSync("/etc/passwd", join(folder, "s/logs/0/app/lxc/lxc.log"));
  const excerpts = evidenceExcerpts(folder, foldRun(record(events("r"))));
  expect(excerpts.map(({ path, bytes }) => [path, bytes])).toEqual([
    ["s/boot.log", 5],
    ["s/logs/0/app/lxc/console.log", 50_007],
  ]);
  expect(excerpts[1]?.text).toMatch(/^x+the end$/);
  expect(excerpts[1]?.text.length).toBe(6_000);
});
