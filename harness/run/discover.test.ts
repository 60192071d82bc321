import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readCatalogue } from "../catalogue/catalogue.ts";
import { discover, FILE_CHECK, isBroken, problemsOf } from "./discover.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";
import { FileLoader } from "./file-loader.ts";
import { runApart } from "./testdata/run-apart.ts";
import { scenarioFolder, scenarioText } from "./testdata/scenario-folder.ts";

const well = (name: string): string => scenarioText(name, ["expect(1).toBe(1);"]);

/** Files that are wrong, and what is said of them. */
const WRONG: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
  "no-syntax": ["import x from\n  const = 3;\n", /no-syntax\.scenario\.ts:2:\d+: .*Expected/],
  throws: [
    `${well("throws")}\nthrow new Error("at the end");\n`,
    /throws\.scenario\.ts:\d+:7: .*at the end/,
  ],
  "throws-nothing": [`throw Object.create(null);\n`, /throws-nothing\.scenario\.ts:1:1: .*\{\}/],
  exits: ["process.exit(0);\n", /exits\.scenario\.ts:1:1: its process ended \(exit 0\)/],
  dies: [
    "process.kill(process.pid, 'SIGKILL');\n",
    /dies\.scenario\.ts:1:1: its process ended \(SIGKILL\)/,
  ],
  rejects: [
    `${well("rejects")}\nvoid Promise.reject(new Error("floats"));\n`,
    /rejects\.scenario\.ts:\d+:\d+: .*uncaught error: Error: floats/,
  ],
  nothing: [
    "export {};\n",
    /nothing\.scenario\.ts:1:1: it must declare one scenario.*declares none/,
  ],
  two: [
    `${well("two")}\nscenario("three", { summary: "s" }, ({ check }) => { check("report.exit", "t", () => {}); });\n`,
    /declares 'two', 'three'/,
  ],
  "bad-check": [
    well("bad-check").replace("report.exit", "no.such"),
    /bad-check\.scenario\.ts:\d+:\d+: .*check 'no\.such' is no row/,
  ],
  "check-twice": [
    scenarioText("check-twice", ["1;", "2;"]).replace("report.junit", "report.exit"),
    /check-twice\.scenario\.ts:\d+:\d+: .*'report\.exit' comes twice/,
  ],
  "no-import": [
    `import "./not-there.ts";\n`,
    /no-import\.scenario\.ts:1:\d+: .*Cannot find module/,
  ],
  "no-export": [
    `import { nothing } from "node:fs";\nnothing();\n`,
    /no-export\.scenario\.ts:1:\d+: .*nothing/,
  ],
  "uses-hooks": [
    'import { afterAll } from "vitest";\nafterAll(() => undefined);\n',
    /^[^\n]*uses-hooks\.scenario\.ts:2:1: [^\n]*hooks are not supported outside of a check[^\n]*$/,
  ],
  "runs-by-itself": [
    `import { test } from "vitest";\ntest("t", () => undefined);\n`,
    /^[^\n]*runs-by-itself\.scenario\.ts:2:1: [^\n]*not supported outside of a check[^\n]*$/,
  ],
  "answers-itself": [
    "process.send?.({ definitions: [] });\nprocess.send?.('x');\nthrow new Error('told all the same');\n",
    /told all the same/,
  ],
  "throws-null": ["throw null;\n", /throws-null\.scenario\.ts:1:1: .*: threw null$/],
  "no-options": [
    well("no-options").replace('{ summary: "s", boot: "none" }', "undefined as never"),
    /no-options\.scenario\.ts:\d+:\d+: it cannot be loaded: scenario no-options has no summary/,
  ],
  "has-enum": ["enum A { B }\nvoid A.B;\n", /has-enum\.scenario\.ts:1:1: .*enum is not supported/],
  "no-data": [
    well("no-data").replace('summary: "s"', 'summary: "s", containers: [() => 1] as never'),
    /no-data\.scenario\.ts.*could not be cloned/,
  ],
};

describe("a file that is wrong", () => {
  let found: DiscoveredScenario[];
  let folder: string;
  beforeAll(async () => {
    const files = Object.entries(WRONG).map(([name, [text]]): [string, string] => [name, text]);
    folder = scenarioFolder({
      ...Object.fromEntries(files),
      "a-well": well("a-well"),
      "z-well": well("z-well"),
    });
    found = await discover(folder);
  }, 240_000);

  test.each(Object.keys(WRONG))("is told of by name, line and column: %s", (name) => {
    const scenario = found.find((one) => one.name === name);
    expect(scenario?.checks.map(({ id }) => id)).toEqual([FILE_CHECK]);
    expect(scenario?.checks[0]?.problem).toMatchObject({
      class: "usage",
      code: "PVH_BAD_SCENARIO",
    });
    expect(scenario?.checks[0]?.problem?.message).toMatch(WRONG[name]?.[1] ?? /^$/);
  });

  test("takes no other with it", () => {
    const names = found.filter((one) => !isBroken(one)).map(({ name }) => name);
    expect(names).toEqual(["a-well", "z-well"]);
    expect(problemsOf(found).length).toBe(Object.keys(WRONG).length);
  });

  test("fails in a run, where the others pass", async () => {
    const ran = await runApart(folder, "a-well no-syntax");
    expect(ran.exitCode).toBe(2);
    expect(ran.state.scenarios.get("a-well")?.attempts[0]?.verdict).toBe("passed");
    expect(ran.junit).toContain("no-syntax.scenario.ts:2:");
    expect(ran.closing).toContain("[usage PVH_BAD_SCENARIO]");
  }, 240_000);
});

test("files that load for ever are given up together, and hold up no other", async () => {
  const loops = ["loops-1", "loops-2", "waits"];
  const folder = scenarioFolder({
    "loops-1": "for (;;);\n",
    "loops-2": "for (;;);\n",
    waits: "await new Promise(() => setInterval(() => undefined, 1_000));\n",
    well: well("well"),
  });
  const DEADLINE = 20_000;
  await using loader = new FileLoader(DEADLINE);
  const order: string[] = [];
  const begun = performance.now();
  const loaded = await Promise.all(
    [...loops, "well"].map(async (name) => {
      const one = await loader.load(join(folder, `${name}.scenario.ts`), name);
      order.push(name);
      return one;
    }),
  );
  // One after the other they would take three deadlines.
  expect(performance.now() - begun).toBeLessThan(2 * DEADLINE);
  expect(order[0]).toBe("well");
  expect(loaded).toMatchObject([
    ...loops.map((name) => ({
      failure: { message: `${name}:1:1: it was not loaded in 20 s` },
    })),
    { definitions: [{ name: "well", checks: [{ id: "report.exit" }] }] },
  ]);
}, 120_000);

test("a file that ends the process later is not held against the next one", async () => {
  const folder = scenarioFolder({ well: well("well") });
  const later = join(folder, "later.scenario.ts");
  writeFileSync(later, `${well("later")}\nsetTimeout(() => process.exit(1), 1);\n`);
  await using loader = new FileLoader();
  expect(await loader.load(later, "later")).toHaveProperty("definitions");
  expect(await loader.load(join(folder, "well.scenario.ts"), "well")).toHaveProperty("definitions");
}, 120_000);

describe("the catalogue", () => {
  const row = { id: "a", suite: "s", promise: "p", src: "B", quirk: null, real: "ok" };
  const noQuirk = { id: "b", suite: "s", promise: "p", src: "B", real: "ok" };

  test("a row that is wrong takes no other with it, and is named", () => {
    const rows = [row, noQuirk, { ...row, id: "c" }, { ...row, id: "c" }, 7];
    const { rows: good, problems } = readCatalogue(JSON.stringify(rows, null, 1));
    expect([...good.keys()]).toEqual(["a"]);
    expect([...problems].map(([id, { message }]) => [id, message])).toEqual([
      ["b", expect.stringMatching(/^fixtures\/catalogue\.json:\d+:\d+: row 'b': quirk: /)],
      ["c", expect.stringMatching(/^fixtures\/catalogue\.json:\d+:\d+: row 'c': it comes twice/)],
      ["row 5", expect.stringContaining("row 5")],
    ]);
  });

  test.each([
    ['[\n {"id": 1,\n]', /^fixtures\/catalogue\.json:3:1: it is no JSON/],
    ["{}", /no list of rows/],
    ["", /no JSON/],
  ])("%j has no row that can be read", (text, says) => {
    expect(readCatalogue(text).unreadable?.message).toMatch(says);
  });
});
