import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ERROR_CODES } from "./error-codes.ts";

test("docs/errors.md lists every code with its class and meaning", () => {
  const page = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| PVH_"));
  const expected = Object.entries(ERROR_CODES).map(
    ([code, entry]) => `| ${code} | ${entry.class} | ${entry.means} |`,
  );
  expect(rows.map((row) => row.replace(/ +/g, " "))).toEqual(expected);
});
