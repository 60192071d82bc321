import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunEvent } from "../../reports/events.ts";
import { end, record, start } from "../../reports/testdata/sample-run.ts";
import type { DiscoveredScenario } from "../run/discovered-scenario.ts";
import { lastFailed } from "./last-failed.ts";

const failure = { class: "product", code: "PVH_ASSERT", message: "x" } as const;
const over = (scenario: string, verdict: "passed" | "failed"): RunEvent => ({
  type: "scenario.finished",
  scenario,
  verdict,
  ms: 1,
});

const selected = (name: string, ...checks: readonly string[]) => ({
  scenario: { name } as unknown as DiscoveredScenario,
  checks,
});

test("only what failed in the last run is left of a selection", () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-failed-"));
  const events = record([
    start("one", "unix", [
      ["a", "t"],
      ["b", "t"],
    ]),
    end("one", "a", "passed", {}),
    end("one", "b", "failed", { failure }),
    over("one", "failed"),
    start("two~2", "unix", [["c", "t"]]),
    end("two~2", "c", "passed", {}),
    { type: "failure", scenario: "two~2", where: "tear-down", failure },
    over("two~2", "failed"),
    start("three", "unix", [["d", "t"]]),
    end("three", "d", "passed", {}),
    over("three", "passed"),
    { type: "run.finished", ms: 1, exitCode: 1 },
  ]);
  const file = join(folder, "events.jsonl");
  writeFileSync(file, `${events.map((event) => JSON.stringify(event)).join("\n")}\n`);
  const all = [
    selected("one", "a", "b"),
    selected("two", "c"),
    selected("three", "d"),
    selected("four", "e"),
  ];
  expect(lastFailed(all, folder)).toEqual([selected("one", "b"), selected("two", "c")]);
});
