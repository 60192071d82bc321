import { expect, test } from "vitest";
import { coverageMarkdown } from "../../reports/coverage.ts";
import { PROMISE_SOURCES, catalogue } from "./catalogue.ts";
import { coverageOf } from "./coverage.ts";

const row = (id: string, suite: string, quirk: string | null) => ({
  id,
  suite,
  promise: `promise of ${id} | with a bar`,
  src: "B",
  quirk,
  real: "ok" as const,
});

const coverage = coverageOf(
  [row("unix.a", "unix", "q"), row("unix.b", "unix", null), row("dbus.a", "dbus", null)],
  [
    { name: "one", checks: [{ id: "unix.a", suite: "unix" }] },
    { name: "two", checks: [{ id: "unix.a", suite: "unix" }] },
  ],
);

test("a row is covered by every scenario that has its check", () => {
  expect(coverage.rows.map(({ id, scenarios }) => [id, scenarios])).toEqual([
    ["unix.a", ["one", "two"]],
    ["unix.b", []],
    ["dbus.a", []],
  ]);
  expect(coverage.suites).toEqual([
    { suite: "unix", covered: 1, rows: 2 },
    { suite: "dbus", covered: 0, rows: 1 },
  ]);
  expect(coverage.covered).toBe(1);
});

test("the page has a table for each suite, and a bar in a promise stays in its cell", () => {
  const page = coverageMarkdown(coverage, { B: "the second document" });
  expect(page).toContain("1 of 3 promises have a check.");
  expect(page).toContain("## unix: 1 of 2");
  expect(page).toContain(
    String.raw`| unix.a | promise of unix.a \| with a bar | one, two | q | B |`,
  );
  expect(page).toContain("- **B**: the second document.");
});

test("each letter in a row's src is explained", () => {
  const letters = new Set([...catalogue().values()].flatMap(({ src }) => src.split(" ")));
  expect([...letters].sort()).toEqual(Object.keys(PROMISE_SOURCES).sort());
});
