import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { clock } from "../clock/clock.ts";
import { python, pythonArgv, pythonFile } from "./python.ts";

const CONTAINERS = resolve(import.meta.dirname, "../../containers");

/** Output of the command on this machine, which has the package by PYTHONPATH. */
function outputOf([command = "", ...args]: readonly string[]): string {
  const env = { ...process.env, PYTHONPATH: CONTAINERS, PYTHONDONTWRITEBYTECODE: "1" };
  return execFileSync(command, args, { encoding: "utf8", env });
}

test("an inline program is dedented, keeps Python's escapes, and gets values as literals", () => {
  const words = ["a 'quoted' one", 'a "double" one', "two\nlines", "back\\slash", "ü", "😀"];
  const program = python`
    import json
    for word in ${words}:
        print(json.dumps(word))
    print(len(b"\r\n"), ${3}, ${{ a: 1 }}["a"])
  `;
  expect(program.source.startsWith("\nimport json\nfor word")).toBe(true);
  const lines = outputOf(pythonArgv(program)).trimEnd().split("\n");
  expect(lines.pop()).toBe("2 3 1");
  expect(lines.map((line) => JSON.parse(line) as string)).toEqual(words);
});

test("a program in a file gets its values as arguments", () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-python-"));
  writeFileSync(join(folder, "a.py"), "from probes import arguments, tell\ntell(arguments())\n");
  const program = pythonFile(folder, "a.py", "a b", 2, ["c"], { d: "e" });
  expect(program.name).toBe("a.py");
  expect(JSON.parse(outputOf(pythonArgv(program)))).toEqual(["a b", 2, ["c"], { d: "e" }]);
});

test("a program's time-outs are as patient as the clock", () => {
  clock.scale = 3;
  onTestFinished(() => {
    clock.scale = 1;
  });
  const argv = pythonArgv(python`
    from probes import patient
    print(patient(2))
  `);
  const factor = Number(argv[1]?.replace("PVH_STRETCH=", ""));
  expect(factor).toBeGreaterThanOrEqual(3);
  expect(Number(outputOf(argv))).toBeCloseTo(2 * factor, 5);
});
