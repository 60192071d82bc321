import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { inlinePrograms } from "./inline-programs.ts";
import { checkPython } from "./pyright.ts";
import { readPython } from "./python-files.ts";

/** Problems of a clone that has these files, as `path:line message`. */
async function problemsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const root = mkdtempSync(join(tmpdir(), "pvh-clone-"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const { files: found, problems } = await readPython(root);
  const all = [...problems, ...(await checkPython(found))];
  return all.map(({ path, line, message }) => `${path}:${line} ${message.split("\n")[0] ?? ""}`);
}

const HELPERS = {
  "containers/probes/__init__.py": "def tell(value):\n    print(value)\n",
  "containers/probes/unix.py": "from probes import tell\n\n\ndef connect(path):\n    tell(path)\n",
};
const scenario = (python: string) => ({
  ...HELPERS,
  "scenarios/unix/a.scenario.ts": `const a = 1;\nrun(python\`\n${python}\n\`);\n`,
});

test("sound Python has no problems, whatever values TypeScript puts into it", async () => {
  const program =
    "  from probes import unix\n  unix.connect(${path})\n  for n in ${list}: print(n)";
  expect(await problemsOf(scenario(program))).toEqual([]);
});

test("a helper with a syntax error is found", async () => {
  const broken = { ...HELPERS, "containers/probes/unix.py": "def connect(:\n    pass\n" };
  expect((await problemsOf(broken)).join()).toContain("containers/probes/unix.py:1 ");
});

test("names, helpers and arguments that are not there are found in inline programs", async () => {
  const program = [
    "  from probes import tell, nosuch",
    "  from probes.nothing import x",
    "  from probes import unix",
    "  unix.connect()",
    "  tell(undefined, x, nosuch)",
  ];
  const problems = await problemsOf(scenario(program.join("\n")));
  const found = (line: number, message: RegExp) =>
    problems.some(
      (one) => one.startsWith(`scenarios/unix/a.scenario.ts:${line} `) && message.test(one),
    );
  expect([problems, found(3, /"nosuch" is unknown import symbol/)]).toEqual([problems, true]);
  expect([problems, found(4, /"probes.nothing" could not be resolved/)]).toEqual([problems, true]);
  expect([problems, found(6, /Argument missing/)]).toEqual([problems, true]);
  expect([problems, found(7, /"undefined" is not defined/)]).toEqual([problems, true]);
});

test("a program file is checked, and its time-outs have to be patient", async () => {
  const file = "import socket\n\npeer = socket.socket()\npeer.settimeout(3)\nprint(nothing)\n";
  expect(await problemsOf({ ...HELPERS, "scenarios/unix/a.py": file })).toEqual([
    "scenarios/unix/a.py:4 a program's time-out goes through patient()",
    'scenarios/unix/a.py:5 "nothing" is not defined',
  ]);
});

test("an inline program that is no check but a program is to be a file", async () => {
  const lines = Array.from({ length: 13 }, (_, at) => `  print(${at})`);
  expect(await problemsOf(scenario(lines.join("\n")))).toEqual([
    "scenarios/unix/a.scenario.ts:2 an inline program of 13 lines: beyond 12 it is a file",
  ]);
});

test("an inline program keeps its lines, loses its indent, and other templates are let be", () => {
  const text = 'f(sh`x`);\nf(\n  python`\n    a = ${1 + 1}\n      b"\\r\\n"\n  `);\n';
  const [program, ...more] = inlinePrograms("a.ts", text);
  expect(more).toEqual([]);
  expect(program).toMatchObject({ line: 3, indent: 4, length: 2 });
  expect(program?.source.split("\n").slice(3, 5)).toEqual(["a = __given__", '  b"\\r\\n"']);
});
