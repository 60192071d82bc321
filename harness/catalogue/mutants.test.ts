import { expect, test } from "vitest";
import type { Failure } from "../../reports/events.ts";
import { isBad, isTouched, judge, mutantsOf } from "./mutants.ts";
import type { CheckResult, Mutant } from "./mutants.ts";

const mutant: Mutant = {
  quirk: "q",
  exists: true,
  scenarios: [{ name: "s", checks: ["unix.a", "unix.b"], claims: ["unix.a"] }],
};
const suiteOf = (check: string): string => check.split(".", 1)[0] ?? "";
const other: CheckResult = { scenario: "s", check: "unix.b", verdict: "passed" };

function judgementOf(result: Partial<CheckResult>): { judgement: string; bad: boolean } {
  const results = [
    { scenario: "s", check: "unix.a", verdict: "failed", ...result },
    other,
  ] as const;
  const [row] = judge(mutant, results, suiteOf);
  if (row === undefined) throw new Error("no row");
  return { judgement: row.judgement, bad: isBad(row) };
}

const failure = (code: Failure["code"], of: Failure["class"]): Failure => ({
  class: of,
  code,
  message: "m",
});

test("a check that fails by its own assertion is red, and that is good", () => {
  expect(judgementOf({ failure: failure("PVH_ASSERT", "product") })).toEqual({
    judgement: "red",
    bad: false,
  });
  expect(judgementOf({ failure: failure("PVH_TIMEOUT", "product") }).judgement).toBe("red");
  expect(judgementOf({ failure: failure("PVH_SCENARIO", "scenario") }).judgement).toBe("red");
});

test("a check that stays green under its quirk is bad", () => {
  expect(judgementOf({ verdict: "passed" })).toEqual({ judgement: "GREEN", bad: true });
});

test.each([
  ["PVH_ENGINE", "infra"],
  ["PVH_INTERNAL", "harness"],
  ["PVH_BAD_EXPORT", "usage"],
  ["PVH_NEVER_READY", "product"],
] as const)("a check that fails by %s fails for the wrong reason", (code, of) => {
  expect(judgementOf({ failure: failure(code, of) })).toEqual({
    judgement: "wrong reason",
    bad: true,
  });
});

test("a check that this machine cannot judge is skipped, one that lost its appengine is lost", () => {
  const skipped = { verdict: "skipped", reason: "needs drm" } as const;
  expect(judgementOf(skipped)).toEqual({ judgement: "skipped", bad: false });
  const reason = "not judged: the appengine ended in unix.z";
  expect(judgementOf({ ...skipped, reason })).toEqual({ judgement: "lost", bad: true });
});

test("a check of suite boot may fail by the boot", () => {
  const boot: Mutant = {
    quirk: "q",
    exists: true,
    scenarios: [{ name: "s", checks: ["boot.auto"], claims: ["boot.auto"] }],
  };
  const result: CheckResult = {
    scenario: "s",
    check: "boot.auto",
    verdict: "failed",
    failure: failure("PVH_NEVER_READY", "product"),
  };
  expect(judge(boot, [result], suiteOf)[0]?.judgement).toBe("red");
});

test("a check that gives no verdict is lost, also when it does not claim the quirk", () => {
  const rows = judge(mutant, [], suiteOf);
  expect(rows.map(({ judgement }) => judgement)).toEqual(["lost", "lost"]);
  expect(rows.every(isBad)).toBe(true);
});

test("a check that does not claim the quirk may pass or fail", () => {
  for (const verdict of ["passed", "failed"] as const) {
    const row = judge(mutant, [{ ...other, verdict }], suiteOf)[1];
    expect(row).toMatchObject({ check: "unix.b", judgement: "ran", detail: verdict });
  }
});

test("a skipped check says why and is not bad", () => {
  expect(judgementOf({ verdict: "skipped", reason: "needs drm" })).toEqual({
    judgement: "skipped",
    bad: false,
  });
});

test("a quirk that the reference does not have is bad for each check that claims it", () => {
  const rows = judge({ ...mutant, exists: false }, [], suiteOf);
  expect(rows).toMatchObject([{ check: "unix.a", judgement: "no such quirk" }]);
  expect(rows.every(isBad)).toBe(true);
});

const QUIRKS_OF: Record<string, string[]> = { a: ["x"], b: ["y"], c: ["x"], f: ["y", "x"] };

function found(scenarios: Parameters<typeof mutantsOf>[0]): Mutant[] {
  return mutantsOf(
    scenarios,
    (check) => QUIRKS_OF[check] ?? [],
    (quirk) => quirk === "x",
  );
}

test("each quirk comes once, with every scenario that claims it", () => {
  const scenarios = [
    { name: "one", all: ["a", "b"], selected: ["a", "b"] },
    { name: "two", all: ["c", "d"], selected: ["c", "d"] },
    { name: "three", all: ["a", "b"], selected: ["b"] },
  ];
  expect(found(scenarios)).toEqual([
    {
      quirk: "x",
      exists: true,
      scenarios: [
        { name: "one", checks: ["a", "b"], claims: ["a"] },
        { name: "two", checks: ["c", "d"], claims: ["c"] },
      ],
    },
    {
      quirk: "y",
      exists: false,
      scenarios: [
        { name: "one", checks: ["a", "b"], claims: ["b"] },
        { name: "three", checks: ["a", "b"], claims: ["b"] },
      ],
    },
  ]);
});

test("a check claims each of its quirks", () => {
  const [x, y] = found([{ name: "one", all: ["f"], selected: ["f"] }]);
  expect([x?.quirk, x?.scenarios[0]?.claims]).toEqual(["x", ["f"]]);
  expect([y?.quirk, y?.scenarios[0]?.claims]).toEqual(["y", ["f"]]);
});

test("what is not selected claims nothing", () => {
  const scenarios = [{ name: "one", all: ["d", "a", "e", "c"], selected: ["a"] }];
  expect(found(scenarios)).toMatchObject([{ scenarios: [{ claims: ["a"] }] }]);
});

test("a mutant is touched by its quirk, by the file of a scenario that claims it, by a row it claims", () => {
  const nothing = {
    quirks: new Set<string>(),
    scenarios: new Set<string>(),
    rows: new Set<string>(),
  };
  const by = (touched: Partial<typeof nothing>): boolean =>
    isTouched(mutant, { ...nothing, ...touched }, (name) => `${name}.ts`);
  expect(by({})).toBe(false);
  expect(by({ quirks: new Set(["q"]) })).toBe(true);
  expect(by({ scenarios: new Set(["s.ts"]) })).toBe(true);
  expect(by({ rows: new Set(["unix.a"]) })).toBe(true);
  expect(by({ rows: new Set(["unix.b"]) })).toBe(false);
});
