import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { inlinePrograms } from "./inline-programs.ts";
import { checkPython } from "./pyright.ts";
import { readPython } from "./python-files.ts";
import type { Problem } from "./python-files.ts";

/** A clone that has these files. */
function cloneOf(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "pvh-clone-"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** As `path:line message`, the message's first line. */
const brief = (problems: readonly Problem[]): string[] =>
  problems.map(({ path, line, message }) => `${path}:${line} ${message.split("\n")[0] ?? ""}`);

/** Problems that reading the files shows. */
async function readingProblems(files: Readonly<Record<string, string>>): Promise<string[]> {
  return brief((await readPython(cloneOf(files))).problems);
}

/** Problems that pyright finds. */
async function pyrightProblems(files: Readonly<Record<string, string>>): Promise<string[]> {
  return brief(await checkPython((await readPython(cloneOf(files))).files));
}

const SCENARIO = "scenarios/unix/a.scenario.ts";
const scenario = (...lines: string[]) => ({
  "containers/probes/__init__.py": "def tell(value):\n    print(value)\n",
  "containers/probes/unix.py": "from probes import tell\n\n\ndef connect(path):\n    tell(path)\n",
  [SCENARIO]: `const a = 1;\nrun(python\`\n${lines.map((line) => `  ${line}\n`).join("")}\`);\n`,
});

test("sound Python has no problems, whatever values TypeScript puts into it", async () => {
  const files = scenario(
    "from probes import unix",
    "unix.connect(${path})",
    "for n in ${list}: print(n)",
  );
  expect(await pyrightProblems(files)).toEqual([]);
  expect(await readingProblems(files)).toEqual([]);
});

test("syntax errors, and names, helpers and arguments that are not there, are found", async () => {
  const files = scenario(
    "from probes import tell, nosuch",
    "from probes.nothing import x",
    "from probes import unix",
    "unix.connect()",
    "tell(undefined, x, nosuch)",
  );
  const problems = await pyrightProblems({
    ...files,
    "containers/probes/broken.py": "def connect(:\n    pass\n",
    "scenarios/unix/a.py": "from probes import tell\ntell(nothing)\n",
  });
  const expected = [
    /^containers\/probes\/broken\.py:1 /,
    /^scenarios\/unix\/a\.py:2 "nothing" is not defined/,
    /a\.scenario\.ts:3 "nosuch" is unknown import symbol/,
    /a\.scenario\.ts:4 Import "probes.nothing" could not be resolved/,
    /a\.scenario\.ts:6 Argument missing for parameter "path"/,
    /a\.scenario\.ts:7 "undefined" is not defined/,
  ];
  for (const pattern of expected) expect(problems.join("\n")).toMatch(new RegExp(pattern, "m"));
});

test("a line with less indent than the first one is found, as Python would find it", async () => {
  const files = { ...scenario(), [SCENARIO]: "run(python`\n    a = 1\n  print(a)\n`);\n" };
  expect((await pyrightProblems(files)).join("\n")).toMatch(/a\.scenario\.ts:3 .*indent/i);
});

test("time-outs in program files have to be patient", async () => {
  const file = "import socket\n\npeer = socket.socket()\npeer.settimeout(3)\n";
  expect(await readingProblems({ "scenarios/unix/a.py": file })).toEqual([
    "scenarios/unix/a.py:4 a program's time-out goes through patient()",
  ]);
});

test("a value inside a string is found", async () => {
  const files = scenario(`print("a", \${a}, 'b', \${b})`, 'print("a ${a}")', "print('${a}')");
  const message = "a value is a literal with quotes of its own: it cannot stand in a string";
  expect(await readingProblems(files)).toEqual([
    `${SCENARIO}:4 ${message}`,
    `${SCENARIO}:5 ${message}`,
  ]);
});

test("an inline program that is no check but a program is to be a file", async () => {
  const lines = (count: number) => Array.from({ length: count }, (_, at) => `print(${at})`);
  expect(await readingProblems(scenario(...lines(12)))).toEqual([]);
  expect(await readingProblems(scenario(...lines(13)))).toEqual([
    `${SCENARIO}:2 an inline program of 13 lines: beyond 12 it is a file`,
  ]);
});

test("an inline program keeps its lines, loses its indent, and other templates are let be", () => {
  const text = 'f(sh`x`);\nf(\n  python`\n    a = ${1 + 1}\n      b"\\r\\n"\n  `);\n';
  const [program, ...more] = inlinePrograms("a.ts", text);
  expect(more).toEqual([]);
  expect(program).toMatchObject({ line: 3, indent: 4, length: 2 });
  expect(program?.source.split("\n").slice(3, 5)).toEqual(["a = __given__", '  b"\\r\\n"']);
});
