import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EXIT } from "../../reports/exit-codes.ts";

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** First cells of a page's table rows, without their backquotes. */
function cells(page: string, column: number): string[] {
  return page
    .split("\n")
    .filter((line) => /^\| [`\d]/.test(line))
    .map((line) => (line.split("|")[column + 1] ?? "").trim().replaceAll("`", ""));
}

test("docs/exit-codes.md lists exactly the exit codes", () => {
  const page = read("docs/exit-codes.md");
  const documented = cells(page, 0).map((code, row) => [cells(page, 1)[row], Number(code)]);
  expect(documented).toEqual(Object.entries(EXIT));
});

test("docs/events.md lists exactly the types of events, with their fields", () => {
  const page = read("docs/events.md");
  const source = read("reports/events.ts");
  const union = source.slice(
    source.indexOf("export type RunEvent"),
    source.indexOf("export type RecordedEvent"),
  );
  const types = [...union.matchAll(/type: "([\w.]+)"/g)].map(([, type = ""]) => type);
  expect(cells(page, 0).sort()).toEqual(types.toSorted());
  for (const variant of union.split("readonly type: ").slice(1)) {
    const type = /"([\w.]+)"/.exec(variant)?.[1] ?? "";
    const row = page.split("\n").find((line) => line.startsWith(`| \`${type}\``)) ?? "";
    const fields = [...variant.matchAll(/readonly (\w+)\??:/g)].map(([, field = ""]) => field);
    for (const field of fields) expect(row, `${type}.${field}`).toContain(`\`${field}\``);
  }
});

test("docs/events.md names every stage and class", () => {
  const page = read("docs/events.md");
  const source = read("reports/events.ts") + read("reports/error-codes.ts");
  for (const name of ["BootStage", "Verdict", "ErrorClass"]) {
    const union = new RegExp(`export type ${name} =([^;]+);`).exec(source)?.[1] ?? "";
    const words = [...union.matchAll(/"([\w-]+)"/g)].map(([, word = ""]) => word);
    expect(words.length).toBeGreaterThan(2);
    for (const word of words) expect(page).toContain(`\`${word}\``);
  }
});

test("docs/architecture.md names only files and folders that exist", () => {
  const named = [...read("docs/architecture.md").matchAll(/`([\w.-]+\/[\w./-]*)`/g)]
    .map(([, path = ""]) => path)
    .filter((path) => !/TYPE|SUITE/.test(path));
  expect(named.length).toBeGreaterThan(50);
  const isMissing = (path: string) => !existsSync(new URL(`../../${path}`, import.meta.url));
  expect(named.filter(isMissing)).toEqual([]);
});
