import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import type { RunEvent, Verdict } from "../../reports/events.ts";
import { foldRun } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import { formerDurations, keepDurations } from "./history.ts";

const NOTHING = { scenarios: new Map(), mutants: new Map(), checks: new Map(), quirks: new Map() };

test("a folder without runs tells nothing", async () => {
  expect(await formerDurations(newBase())).toEqual(NOTHING);
});

test("the latest run in which something passed tells its duration", async () => {
  const base = newBase();
  await keepDurations(run({ checks: { a: 1, b: 2 } }), { base });
  await keepDurations(run({ checks: { a: 10, b: 20 }, verdicts: { b: "failed" } }), { base });
  expect(await formerDurations(base)).toEqual({
    scenarios: new Map([["one", 3]]),
    mutants: new Map(),
    checks: new Map([
      ["a", 10],
      ["b", 2],
    ]),
    quirks: new Map(),
  });
});

test("a run under one quirk tells the quirk's duration alone, if it was not cut short", async () => {
  const base = newBase();
  await keepDurations(run({ checks: { a: 1 }, quirks: ["whole"] }), { base });
  await keepDurations(run({ checks: { a: 1 }, quirks: ["cut"], interrupted: "SIGINT" }), { base });
  await keepDurations(run({ checks: { a: 1 }, quirks: ["whole", "two"] }), { base });
  expect(await formerDurations(base)).toEqual({ ...NOTHING, quirks: new Map([["whole", 77]]) });
});

const SPOILS: readonly [string, (file: string) => void][] = [
  ["cut", (file) => truncateSync(file, 1_000)],
  ["empty", (file) => truncateSync(file, 0)],
  ["foreign", (file) => writeFileSync(file, "no database".repeat(1_000))],
  ["another database", (file) => replace(file, "CREATE TABLE duration (x)")],
  ["of another version", (file) => replace(file, "PRAGMA user_version = 99")],
];

test.each(SPOILS)("a history that is %s tells nothing, and is made anew", async (_what, spoil) => {
  const base = newBase();
  await keepDurations(run({ checks: { a: 1 } }), { base });
  spoil(join(base, ".pvh/history"));
  expect(await formerDurations(base)).toEqual(NOTHING);
  await keepDurations(run({ checks: { a: 5 } }), { base });
  expect((await formerDurations(base)).checks).toEqual(new Map([["a", 5]]));
});

test("a history that cannot be made is none", async () => {
  const base = newBase();
  writeFileSync(join(base, ".pvh"), "");
  await keepDurations(run({ checks: { a: 1 } }), { base });
  expect(await formerDurations(base)).toEqual(NOTHING);
});

test("a history that another run writes just now stays as it is", async () => {
  const base = newBase();
  await keepDurations(run({ checks: { a: 1 } }), { base });
  const file = join(base, ".pvh/history");
  const before = readFileSync(file);
  const other = new DatabaseSync(file);
  other.exec("BEGIN EXCLUSIVE");
  await keepDurations(run({ checks: { a: 2 } }), { base });
  expect(await formerDurations(base)).toEqual(NOTHING);
  other.exec("ROLLBACK");
  other.close();
  expect(readFileSync(file)).toEqual(before);
});

test("runs that end at the same time all tell theirs", async () => {
  const base = newBase();
  const names = Array.from({ length: 20 }, (_, index) => `check-${index}`);
  await Promise.all(names.map((name) => keepDurations(run({ checks: { [name]: 1 } }), { base })));
  expect([...(await formerDurations(base)).checks.keys()].sort()).toEqual(names.sort());
});

function newBase(): string {
  const base = mkdtempSync(join(tmpdir(), "history-"));
  mkdirSync(base, { recursive: true });
  return base;
}

function replace(file: string, statement: string): void {
  rmSync(file);
  const database = new DatabaseSync(file);
  database.exec(statement);
  database.close();
}

function run({
  checks,
  verdicts = {},
  quirks = [],
  interrupted,
}: {
  checks: Readonly<Record<string, number>>;
  verdicts?: Readonly<Record<string, Verdict>>;
  quirks?: readonly string[];
  interrupted?: "SIGINT";
}): RunState {
  const scenario = "one";
  const verdict = Object.values(verdicts).includes("failed") ? "failed" : "passed";
  const ids = Object.entries(checks);
  const events: RunEvent[] = [
    {
      type: "run.started",
      run: "x",
      command: [],
      image: "",
      profile: "strict",
      quirks,
      selected: [scenario],
      seed: 1,
      host: { name: "", kernel: "", node: "" },
    },
    {
      type: "scenario.started",
      scenario,
      suite: "s",
      summary: "",
      checks: ids.map(([id]) => ({ id, title: id })),
      file: "",
      attempt: 1,
    },
    ...ids.map(([check, ms]): RunEvent => ({
      type: "check.finished",
      scenario,
      check,
      title: check,
      verdict: verdicts[check] ?? "passed",
      ms,
    })),
    { type: "scenario.finished", scenario, verdict, ms: ids.reduce((sum, [, ms]) => sum + ms, 0) },
    {
      type: "run.finished",
      ms: 77,
      exitCode: 0,
      ...(interrupted !== undefined && { interrupted }),
    },
  ];
  return foldRun(events.map((event, t) => ({ v: 1, t, ...event })));
}
