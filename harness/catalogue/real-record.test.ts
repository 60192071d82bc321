import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import type { Conformance, ConformanceRow } from "../../reports/conformance.ts";
import { catalogue } from "./catalogue.ts";
import { columnOf, isOfAppengine, REAL_RECORD, realRecord, recordWith } from "./real-record.ts";
import type { Measured, RealRecord } from "./real-record.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const IMAGE = { reference: "pv:1", id: "sha256:1" };

function conformance(...rows: readonly (readonly [string, ConformanceRow["conformity"]])[]) {
  return {
    version: 2,
    image: IMAGE,
    against: { reference: "strict" },
    rows: rows.map(([check, conformity], index) => ({
      check,
      scenario: `s${index}`,
      suite: "unix",
      promise: "p",
      conformity,
      detail: conformity === "kept" ? "" : `because ${index}`,
    })),
  } satisfies Conformance;
}

test("the catalogue's column real is that of the record", () => {
  const { rows } = realRecord.parse(JSON.parse(readFileSync(resolve(ROOT, REAL_RECORD), "utf8")));
  const all = [...catalogue().values()];
  const other = all.filter(({ id, real, realFrom }) => {
    const column = columnOf({ real }, rows[id]);
    return column.real !== real || column.realFrom !== realFrom;
  });
  expect(other.map(({ id }) => id)).toEqual([]);
  const ofAppengines = new Set(all.filter(isOfAppengine).map(({ id }) => id));
  expect(Object.keys(rows).filter((id) => !ofAppengines.has(id))).toEqual([]);
});

test("a row that departs, or was not judged, says why; one with several checks is kept by all of them", () => {
  const found = conformance(
    ["b", "kept"],
    ["a", "kept"],
    ["a", "gap"],
    ["c", "not judged"],
    ["x", "gap"],
  );
  expect(recordWith(undefined, found, "2026-11-30", (check) => check !== "x")).toEqual({
    image: IMAGE,
    date: "2026-11-30",
    rows: {
      a: { verdict: "gap", reason: "because 2" },
      b: { verdict: "kept" },
      c: { verdict: "not testable", reason: "because 3" },
    },
  });
});

test("a later measurement replaces its own rows; one of another image begins anew", () => {
  const before: RealRecord = {
    image: IMAGE,
    date: "2026-11-29",
    rows: { a: { verdict: "kept" }, b: { verdict: "kept" } },
  };
  const rowsOf = (record: RealRecord | undefined) =>
    recordWith(record, conformance(["b", "harmful"]), "2026-11-30", () => true).rows;
  const b: Measured = { verdict: "harmful", reason: "because 0" };
  expect(rowsOf(before)).toEqual({ a: { verdict: "kept" }, b });
  expect(rowsOf({ ...before, image: { ...IMAGE, id: "sha256:2" } })).toEqual({ b });
});

test.each([
  ["kept", "gap", { real: "ok" }],
  ["gap", "?", { real: "gap" }],
  ["gap", "bad", { real: "bad" }],
  ["harmful", "ok", { real: "gap" }],
  ["not testable", "bad", { real: "bad", realFrom: "documents" }],
  ["not testable", "?", { real: "?" }],
  [undefined, "ok", { real: "ok", realFrom: "documents" }],
  [undefined, "–", { real: "–" }],
] as const)("measured %s, and %s before: %j", (verdict, real, column) => {
  expect(columnOf({ real }, verdict === undefined ? undefined : { verdict })).toEqual(column);
});
