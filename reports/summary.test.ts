import { expect, test } from "vitest";
import { foldRun } from "./run-state.ts";
import { summarise } from "./summary.ts";
import { record, SAMPLE } from "./testdata/sample-run.ts";

test("the summary has the verdict of each scenario and check", () => {
  const summary = summarise(foldRun(record(SAMPLE)));
  expect(summary).toMatchObject({
    version: 1,
    run: "20261123T004000Z-a1b2c3",
    quirks: ["no-half-close"],
    checks: { passed: 2, failed: 3, skipped: 1 },
  });
  expect(summary.scenarios.map(({ name, verdict, attempts }) => [name, verdict, attempts])).toEqual(
    [
      ["dbus-roles", "failed", 1],
      ["flaky", "flaky", 2],
      ["booted", "failed", 1],
    ],
  );
  expect(summary).not.toHaveProperty("broker");
  const prepared = { type: "run.prepared", ms: 1, image: "pv:1", broker: "reference" } as const;
  expect(summarise(foldRun(record([...SAMPLE, prepared])))).toMatchObject({ broker: "reference" });
  expect(summary.scenarios[0]).toMatchObject({ bootMs: 1000, ms: 42_120 });
  expect(summary.scenarios[0]?.checks[2]).toEqual({
    id: "dbus.c",
    verdict: "failed",
    ms: 1002,
    code: "PVH_ENGINE",
    message: "the engine went away",
  });
});
