import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../root.ts";

const scenario = (name: string, check: string): string => `
  import { scenario } from "../../harness/run/scenario.ts";
  scenario("${name}", { summary: "s", boot: "none" }, ({ check }) => {
    check("${check}", "of a row that is wrong", () => undefined);
    check("report.junit", "of a row that is well", () => undefined);
  });
`;

/** A clone in which one scenario file and one row of the catalogue are wrong. */
let clone: string;

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), "pvh-clone-"));
  for (const name of ["harness", "broker", "reports", "fixtures", "package.json"]) {
    cpSync(join(ROOT, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(clone, "node_modules"));
  const suite = join(clone, "scenarios/suite");
  mkdirSync(suite, { recursive: true });
  writeFileSync(join(suite, "broken.scenario.ts"), "throw new Error('no use');\n");
  writeFileSync(join(suite, "well.scenario.ts"), scenario("well", "report.exit"));
  const catalogue = join(clone, "fixtures/catalogue.json");
  const rows = JSON.parse(readFileSync(catalogue, "utf8")) as { id: string; suite: unknown }[];
  for (const row of rows) if (row.id === "report.exit") row.suite = 7;
  writeFileSync(catalogue, JSON.stringify(rows, null, 2));
}, 60_000);

function node(...words: readonly string[]) {
  const [program = "", ...rest] = words;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(clone, "harness", program), ...rest],
    { cwd: clone, encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

const BROKEN = /^pvh: scenarios\/suite\/broken\.scenario\.ts:1:7: it cannot be loaded: .*no use$/m;
const ROW = /^pvh: fixtures\/catalogue\.json:\d+:\d+: row 'report\.exit': suite: .*$/m;

describe("a scenario file and a row of the catalogue that are wrong", () => {
  test("are told of by ls, which lists the others", () => {
    const { status, stdout, stderr } = node("cli/main.ts", "ls");
    expect(status, stderr).toBe(2);
    expect(stderr).toMatch(BROKEN);
    expect(stderr).toMatch(ROW);
    expect(stdout).toMatch(/^well +suite +2 +s$/m);
    expect(stdout).not.toContain("broken");
  });

  test("are told of by coverage, which shows the others", () => {
    const { status, stdout, stderr } = node("cli/main.ts", "coverage");
    expect(status, stderr).toBe(2);
    expect(stderr).toMatch(BROKEN);
    expect(stderr).toMatch(ROW);
    expect(stdout).toMatch(/^report\.junit +well /m);
  });

  test("fail each its check by name in a run, where the others pass", () => {
    const { status, stdout, stderr } = node(
      "cli/testdata/run-without-engine.ts",
      join(clone, "junit.xml"),
      join(clone, "scenarios"),
    );
    expect(status, stderr).toBe(2);
    expect(stdout).toBe("1 passed, 2 failed, 0 skipped\n");
    expect(stderr).toMatch(/report\.exit: fixtures\/catalogue\.json:\d+:\d+: row 'report\.exit'/);
    expect(stderr).toMatch(
      /^FAILED  broken .*\n +scenarios\/suite\/broken\.scenario\.ts:1:7: it cannot be loaded/m,
    );
    const junit = readFileSync(join(clone, "junit.xml"), "utf8");
    expect(junit).toContain('name="of a row that is well (report.junit)" time="0');
  });
}, 120_000);
