import fc from "fast-check";
import { expect, test } from "vitest";
import { fittedTable, table } from "./table.ts";

test("a table that fits stays as it is", () => {
  const rows = [["one", "two"]];
  expect(fittedTable(["A", "B"], rows, 80)).toBe(table(["A", "B"], rows));
});

test("the widest column gives way first, with an ellipsis", () => {
  const text = fittedTable(["NAME", "SUMMARY"], [["short", "a long summary of many words"]], 30);
  expect(text.split("\n")).toEqual(["NAME   SUMMARY", "short  a long summary of many…"]);
});

test("no line is wider than the terminal, as long as it has room for the columns", () => {
  const cell = fc.string({ minLength: 0, maxLength: 60, unit: fc.constantFrom("a", "b", "-") });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 }),
      fc.nat(200),
      (rows, more) => {
        const columns = 40 + more;
        const lines = fittedTable(["ONE", "TWO", "THREE"], rows, columns).split("\n");
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
        expect(lines).toHaveLength(rows.length + 1);
      },
    ),
  );
});
