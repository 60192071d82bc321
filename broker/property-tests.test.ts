import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const BROKER = import.meta.dirname;
const table = readFileSync(join(BROKER, "../docs/testing.md"), "utf8");
/** Sources and tests that the table names, relative to this folder. */
const named = new Set([...table.matchAll(/`([a-z0-9/.-]+)`/g)].map(([, name = ""]) => name));
const files = readdirSync(BROKER, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".ts"),
);
/** Test files other than this one, which only mentions property tests. */
const tests = files.filter(
  (name) => name.endsWith(".test.ts") && name !== "property-tests.test.ts",
);
const textOf = (name: string) => readFileSync(join(BROKER, name), "utf8");
const countOf = (text: string, word: string) => text.split(word).length - 1;

/** Constants and types alone. */
const WITHOUT_CODE = /\/(limits|malformed-message|syntax-error|fd-types|log-effect)\.ts$/;

it("the table of docs/testing.md names every codec and state machine", () => {
  const sources = files.filter(
    (name) =>
      /^(shared\/(formats|protocols)|pantavisor\/lifecycle)\//.test(name) &&
      !/\.(test|fixture|quirk)\.ts$/.test(name) &&
      !WITHOUT_CODE.test(name),
  );
  expect(sources.filter((name) => !named.has(name.slice(0, -3)))).toEqual([]);
});

it("and every test with properties, and only what is there", () => {
  const withProperties = tests.filter((name) => textOf(name).includes('from "fast-check"'));
  expect(withProperties.filter((name) => !named.has(name))).toEqual([]);
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  const names = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
  const isThere = (name: string) =>
    existsSync(join(BROKER, name.endsWith(".ts") ? name : `${name}.ts`));
  expect(names.filter((name) => !isThere(name))).toEqual([]);
});

it("each property runs as often as the one setting says", () => {
  const short = tests.filter((name) => {
    const text = textOf(name);
    const runs = countOf(text, "numRuns: PROPERTY_RUNS") + countOf(text, "ceil(PROPERTY_RUNS");
    return countOf(text, "fc.assert(") > runs;
  });
  expect(short).toEqual([]);
});
