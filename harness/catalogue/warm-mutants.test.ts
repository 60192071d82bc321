import { expect, test } from "vitest";
import { failureOf } from "../failure.ts";
import type { Mutant } from "./mutants.ts";
import { brokersOwn, judgeWarm, variantsOf } from "./warm-mutants.ts";
import type { VariantResult } from "./warm-mutants.ts";

const mutant = (quirk: string, scenarios: Readonly<Record<string, readonly string[]>>): Mutant => ({
  quirk,
  exists: quirk !== "missing",
  scenarios: Object.entries(scenarios).map(([name, claims]) => ({ name, checks: claims, claims })),
});

test("a quirk is the broker's own where files of pv-xconnect alone ask for it", () => {
  const sources = new Map([
    ["broker/xconnect/links/a.ts", 'quirks.has("links") || quirks.has("both")'],
    ["broker/pantavisor/b.ts", 'quirks.has("both") || quirks.has("control")'],
    ["broker/pantavisor/c.test.ts", 'parseQuirks("links")'],
    ["broker/shared/quirks/names.ts", '"links": 1, "both": 1, "control": 1, "elsewhere": 1'],
    ["scenarios/s.ts", '"links"'],
  ]);
  expect(brokersOwn(["links", "both", "control", "elsewhere"], sources)).toEqual(["links"]);
});

test("checks run in strict, then under quirks of the broker, then under those that take a boot", () => {
  const mutants = [
    mutant("boots", { s: ["a"], t: ["z"] }),
    mutant("links", { s: ["b", "a"] }),
    mutant("missing", { s: ["c"] }),
  ];
  expect(variantsOf("s", mutants, (quirk) => quirk === "links")).toEqual([
    { check: "a" },
    { check: "b" },
    { check: "b", quirk: "links" },
    { check: "a", quirk: "links" },
    { check: "a", quirk: "boots" },
  ]);
  expect(variantsOf("u", mutants, () => true)).toEqual([]);
});

const strict = { scenario: "s", check: "a", verdict: "passed" } as const;
const failed = {
  scenario: "s",
  check: "a",
  verdict: "failed",
  failure: failureOf("PVH_TIMEOUT", "late"),
} as const;

test.each<[string, readonly VariantResult[]]>([
  ["red", [strict, { ...failed, quirk: "q" }]],
  ["GREEN", [strict, { ...strict, quirk: "q" }]],
  ["never green", [failed, { ...failed, quirk: "q" }]],
  ["lost", [strict]],
  ["lost", [{ ...failed, quirk: "q" }]],
  ["skipped", [strict, { ...strict, quirk: "q", verdict: "skipped", reason: "needs drm" }]],
  ["red", [strict, { ...failed, quirk: "other", verdict: "passed" }, { ...failed, quirk: "q" }]],
])("a claim is judged %s by its check in strict and under the quirk", (judgement, results) => {
  expect(judgeWarm(mutant("q", { s: ["a"] }), results, () => "unix")).toMatchObject([
    { quirk: "q", scenario: "s", check: "a", judgement },
  ]);
});

test("a boot that fails is no proof, except for a check of boots", () => {
  const results = [strict, { ...failed, quirk: "q", failure: failureOf("PVH_NEVER_READY", "no") }];
  const judged = (suite: string) => judgeWarm(mutant("q", { s: ["a"] }), results, () => suite);
  expect(judged("unix")).toMatchObject([{ judgement: "wrong reason" }]);
  expect(judged("boot")).toMatchObject([{ judgement: "red" }]);
});

test("a quirk that the reference does not have is told", () => {
  expect(judgeWarm(mutant("missing", { s: ["a"] }), [strict], () => "unix")).toMatchObject([
    { judgement: "no such quirk" },
  ]);
});
