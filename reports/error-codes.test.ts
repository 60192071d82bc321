import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
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

test("every code is used somewhere", () => {
  const root = join(import.meta.dirname, "..");
  const files = globSync("{harness,reports,scenarios}/**/*.ts", {
    cwd: root,
    exclude: ["**/*.test.ts", "**/testdata/**", "reports/error-codes.ts"],
  });
  const source = files.map((file) => readFileSync(join(root, file), "utf8")).join("\n");
  const unused = Object.keys(ERROR_CODES).filter((code) => !source.includes(`"${code}"`));
  expect(unused).toEqual([]);
});
