import { expect, test } from "vitest";
import { assignmentsOf, functionsOf, wordsOf } from "./bitbake.ts";
import { kconfigSymbols } from "./kconfig.ts";

test("an assignment has its continued lines, and the line of its name", () => {
  const text = 'A = "1"\n# B = "2"\nDEPENDS:append = " a \\\n  b \\\n  c"\nC ?= \'d\'\n';
  expect(assignmentsOf(text)).toEqual([
    { name: "A", operator: "=", value: "1", line: 1 },
    { name: "DEPENDS:append", operator: "=", value: " a    b    c", line: 3 },
    { name: "C", operator: "?=", value: "d", line: 6 },
  ]);
});

test("a shell variable of a function is no assignment of the recipe", () => {
  const text = 'do_x() {\nPV="1"\n}\nPV = "2"\n';
  expect(assignmentsOf(text).map(({ value }) => value)).toEqual(["2"]);
  expect(functionsOf(text)).toMatchObject([{ name: "do_x", line: 1, body: [{ line: 2 }] }]);
});

test("words are added and removed as overrides say, and replaced by a plain assignment", () => {
  const text = 'DEPENDS = "a"\nDEPENDS = "b"\nDEPENDS += "c d"\nDEPENDS:remove = "d"\n';
  const { words, line } = wordsOf(text, "DEPENDS");
  expect([...words]).toEqual(["b", "c"]);
  expect(line).toBe(1);
});

test("a symbol's default has its escapes resolved, and its condition", () => {
  const text = 'config A\n\tstring\n\tdefault "x \\"y\\"\\nz" if B && C\nendmenu\n\tdefault "no"\n';
  expect(kconfigSymbols(text)).toEqual([
    {
      name: "A",
      line: 1,
      type: "string",
      defaults: [{ value: 'x "y"\nz', condition: "B && C", line: 3 }],
    },
  ]);
});
