import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scenarioFolder, scenarioText } from "../run/testdata/scenario-folder.ts";

const PROGRAM = join(import.meta.dirname, "testdata/run-without-engine.ts");

/** A device that takes no byte: full(4). */
const FULL = "/dev/full";

function run(body: string, junit: string) {
  const folder = scenarioFolder({ one: scenarioText("one", [body]) });
  const cwd = mkdtempSync(join(tmpdir(), "pvh-run-"));
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, junit, folder], {
    cwd,
    encoding: "utf8",
  });
  return { status, stdout, stderr, report: join(cwd, ".pvh/runs/latest/junit.xml") };
}

test("a report that cannot be written turns a green run into the machine's failure", () => {
  const { status, stdout, stderr, report } = run("expect(1).toBe(1);", FULL);
  expect(status, stderr).toBe(3);
  expect(stdout).toBe("1 passed, 0 failed, 0 skipped\n");
  expect(stderr).toContain(`pvh: --junit ${FULL} cannot be written: ENOSPC`);
  expect(readFileSync(report, "utf8")).toContain('failures="0"');
}, 60_000);

test("a report that cannot be written leaves a failed run failed", () => {
  const { status, stdout, stderr } = run("expect(1).toBe(2);", FULL);
  expect(status, stderr).toBe(1);
  expect(stdout).toBe("0 passed, 1 failed, 0 skipped\n");
  expect(stderr).toContain(`pvh: --junit ${FULL} cannot be written: ENOSPC`);
}, 60_000);

test("a report that can be written is there, and the run is green", () => {
  const path = join(mkdtempSync(join(tmpdir(), "pvh-junit-")), "junit.xml");
  const { status, stderr } = run("expect(1).toBe(1);", path);
  expect(status, stderr).toBe(0);
  expect(readFileSync(path, "utf8")).toContain('<testsuite name="one"');
}, 60_000);
