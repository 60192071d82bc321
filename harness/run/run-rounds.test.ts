import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { lastAttempt } from "../../reports/run-state.ts";
import { failureOf } from "../failure.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";
import { RunRecord } from "./run-record.ts";
import { runRounds } from "./run-rounds.ts";
import type { RunSettings } from "./run-settings.ts";
import type { RecordedTestimony } from "./testimony.ts";
import type { Round } from "./vitest-bridge.ts";
import { PATIENCE } from "./worker-watch.ts";

const folder = mkdtempSync(join(tmpdir(), "pvh-rounds-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const scenario = (name: string, shares?: string): DiscoveredScenario => ({
  name,
  suite: "u",
  summary: "",
  file: `${name}.scenario.ts`,
  path: `/${name}.scenario.ts`,
  tags: [],
  requires: [],
  alone: false,
  boot: "",
  containers: [],
  ...(shares !== undefined && { shares }),
  checks: [{ id: "c", title: "t", suite: "u" }],
});

type Verdict = "passed" | "failed" | "not begun";
interface Begun {
  readonly unit: string;
  readonly attempt: number;
}

/**
 * Run `a`, `b` and `c`, of which `a` and `b` are shared.
 * @param verdictOf verdict of the one check of a scenario, after others or on an appengine of its own
 */
async function run(
  verdictOf: (scenario: string, isShared: boolean) => Verdict,
  retries = 0,
): Promise<{ readonly begun: readonly Begun[]; readonly record: RunRecord }> {
  const record = new RunRecord(join(folder, "events.jsonl"), () => undefined);
  const begun: Begun[] = [];
  const bridge = {
    round: ({ units, judges, settings, publish }: Round): Promise<[]> => {
      for (const { scenarios } of units) {
        begun.push({ unit: scenarios.join(" "), attempt: settings.attempt });
        for (const [index, name] of scenarios.entries()) {
          const judge = judges.get(name);
          const verdict = verdictOf(name, index > 0);
          if (judge === undefined || verdict === "not begun") continue;
          const after = scenarios.slice(0, index);
          for (const one of testimonies(name, verdict, after)) publish(judge.hear(one));
          publish(judge.end({ kind: "ended" }, undefined, [], 2));
        }
      }
      return Promise.resolve([]);
    },
  };
  const all = [scenario("a", "s"), scenario("b", "s"), scenario("c")];
  await runRounds(
    bridge,
    { folder } as RunSettings,
    {
      repeat: 1,
      retries,
      patience: PATIENCE,
      unprepared: new Map(),
      shared: new Map([["s", { image: "i", exports: [] }]]),
      inOrder: () => all.map((one) => ({ scenario: one, checks: ["c"] })),
    },
    record,
    new AbortController().signal,
  );
  record.close();
  return { begun, record };
}

function testimonies(
  name: string,
  verdict: "passed" | "failed",
  after: readonly string[],
): RecordedTestimony[] {
  const line = { v: 2, t: 1, n: 1, scenario: name } as const;
  const failure = failureOf("PVH_TIMEOUT", "it was late");
  const failed = verdict === "failed";
  return [
    ...(after.length === 0
      ? []
      : [{ ...line, type: "appengine.shared", appengine: "x", after, ms: 1 } as const]),
    { ...line, type: "check.started", check: "c" },
    {
      ...line,
      type: "check.finished",
      check: "c",
      title: "t",
      verdict,
      ms: 1,
      ...(failed && { failure }),
    },
    { ...line, type: "framework.finished", check: "c", state: verdict, failures: [] },
    { ...line, type: "scenario.finished", verdict, ms: 1 },
  ];
}

function attemptsOf(record: RunRecord, name: string): (string | undefined)[] {
  return record.state.scenarios.get(name)?.attempts.map(({ verdict }) => verdict) ?? [];
}

test("scenarios of a share run in one process", async () => {
  const { begun } = await run(() => "passed");
  expect(begun).toEqual([
    { unit: "a b", attempt: 1 },
    { unit: "c", attempt: 1 },
  ]);
});

test("a failure after others is repeated alone, and a pass there is an order dependence", async () => {
  const { begun, record } = await run((name, isShared) =>
    name === "b" && isShared ? "failed" : "passed",
  );
  expect(begun.slice(2)).toEqual([{ unit: "b", attempt: 2 }]);
  expect(attemptsOf(record, "b")).toEqual(["failed", "failed"]);
  const scenarioB = record.state.scenarios.get("b");
  const [outside] = scenarioB === undefined ? [] : lastAttempt(scenarioB).failures;
  expect(outside?.where).toBe("order dependence");
  expect(outside?.failure).toMatchObject({
    code: "PVH_ORDER",
    message: "c passes on an appengine of its own, and failed on that of a: it was late",
  });
});

test("the verdict of a check that fails in both ways is that of its own appengine", async () => {
  const { record } = await run((name) => (name === "b" ? "failed" : "passed"));
  expect(attemptsOf(record, "b")).toEqual(["failed", "failed"]);
  const scenarioB = record.state.scenarios.get("b");
  expect(scenarioB === undefined ? [] : lastAttempt(scenarioB).failures).toEqual([]);
});

test("the first of a share fails as it would alone: it is not repeated", async () => {
  const { begun, record } = await run((name) => (name === "a" ? "failed" : "passed"));
  expect(begun).toHaveLength(2);
  expect(attemptsOf(record, "a")).toEqual(["failed"]);
});

test("a repetition is no retry", async () => {
  const { begun } = await run((name) => (name === "b" ? "failed" : "passed"), 1);
  expect(begun.slice(2)).toEqual([
    { unit: "b", attempt: 2 },
    { unit: "b", attempt: 3 },
  ]);
});

test("what a process did not come to gets a process of its own, and that is its first attempt", async () => {
  const { begun, record } = await run((name, isShared) =>
    name === "b" && isShared ? "not begun" : "passed",
  );
  expect(begun.slice(2)).toEqual([{ unit: "b", attempt: 1 }]);
  expect(attemptsOf(record, "b")).toEqual(["passed"]);
});
