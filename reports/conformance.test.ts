import { expect, test } from "vitest";
import { beside, conformanceRows } from "./conformance.ts";
import type { ConformanceRow, Known } from "./conformance.ts";
import { conformanceMarkdown, conformanceText } from "./conformance-report.ts";
import type { Failure, RecordedEvent } from "./events.ts";
import { end, HOSTILE, record, start } from "./testdata/sample-run.ts";

type Outcome = "passed" | "skipped" | Failure;
const departs: Failure = { class: "product", code: "PVH_ASSERT", message: "it departs" };
const down: Failure = { class: "product", code: "PVH_CONTAINER_DOWN", message: "it went down" };
const engine: Failure = { class: "infra", code: "PVH_ENGINE", message: "the engine went away" };

function run(outcome: Outcome | undefined): RecordedEvent[] {
  const check =
    outcome === undefined
      ? []
      : typeof outcome === "object"
        ? [end("s", "c", "failed", { failure: outcome })]
        : [end("s", "c", outcome, outcome === "skipped" ? { reason: "needs drm" } : {})];
  return record([start("s", "unix", [["c", "t"]]), ...check]);
}

test.each<[string, Outcome | undefined, Outcome | undefined, string, string]>([
  ["both keep it", "passed", "passed", "kept", ""],
  ["the image does not", departs, "passed", "gap", "it departs"],
  ["the image goes down by it", down, "passed", "harmful", "it went down"],
  ["the reference does not", "passed", departs, "reference", ""],
  ["none of them does", departs, departs, "neither", "it departs"],
  ["the machine kept the image from it", engine, "passed", "not judged", "the engine went away"],
  ["this machine cannot tell", "skipped", "skipped", "not judged", "needs drm"],
  ["the other side was not judged", departs, "skipped", "not judged", "it departs"],
  ["it gave no verdict", undefined, "passed", "not judged", "it gave no verdict"],
])("%s", (_what, image, against, conformity, detail) => {
  const promise = { suite: "unix", promise: "p" };
  expect(conformanceRows(run(image), run(against), () => promise)).toMatchObject([
    { check: "c", scenario: "s", suite: "unix", promise: "p", conformity, detail },
  ]);
});

test("the reports have every row that is not kept, and nothing of a container acts in them", () => {
  const evil: Failure = { ...departs, message: `${HOSTILE} | \\| <b>` };
  const rows = conformanceRows(run(evil), run("passed"), () => undefined);
  const image = { reference: "pv:1 | x", id: "sha256:0`1" };
  const conformance = { version: 2, image, against: { reference: "strict" }, rows } as const;
  const text = conformanceText(conformance);
  const page = conformanceMarkdown(conformance);
  expect(text).toContain("0 kept, 1 gap, 0 harmful, 0 reference, 0 neither, 0 not judged");
  expect(page).toContain("# pv:1 \\| x against strict");
  expect(page.split("\n").filter((line) => line.startsWith("| c ")).length).toBe(1);
  expect(page).toContain("- image: `pv:1 | x`, ``sha256:0`1``\n- against: `strict`\n");
  for (const all of [text, page]) {
    expect(all).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
  expect(conformanceText({ ...conformance, rows: [] })).toBe(
    "0 kept, 0 gap, 0 harmful, 0 reference, 0 neither, 0 not judged",
  );
});

test("an image is held beside what is known of another, where both were judged", () => {
  const row = (check: string, conformity: ConformanceRow["conformity"]): ConformanceRow => ({
    check,
    scenario: "s",
    suite: "unix",
    promise: "p",
    conformity,
    detail: "",
  });
  const rows = [
    row("kept", "kept"),
    row("gap", "gap"),
    row("better", "reference"),
    row("worse", "harmful"),
    row("skipped", "not judged"),
    row("unknown", "gap"),
  ];
  const known: Known = new Map([
    ["kept", "keeps"],
    ["gap", "departs"],
    ["better", "departs"],
    ["worse", "keeps"],
    ["skipped", "keeps"],
  ]);
  expect(beside({ rows }, known)).toEqual({
    alike: 2,
    other: ["better (it keeps)", "worse (it departs)"],
    unjudged: 1,
  });
});
