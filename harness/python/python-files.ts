import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GIVEN, inlinePrograms } from "./inline-programs.ts";

/** Python that is to be checked: a file, or a program inside a TypeScript file. */
export interface PythonFile {
  /** Path from the root of the clone. */
  readonly path: string;
  /** Its own path among those that are checked. */
  readonly checkedAs: string;
  /** Columns to add to a position. */
  readonly indent: number;
  readonly source: string;
}

export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Lines of an inline program: what is longer is a file beside its scenario. */
const LONGEST = 12;
/** A number here would be right on an idle machine only. */
const IMPATIENT = /settimeout\(\d|[( ,]timeout=[1-9]/;

/** Python of scenarios, examples and `probes` in a clone, and the problems that reading shows. */
export async function readPython(
  root: string,
): Promise<{ readonly files: PythonFile[]; readonly problems: Problem[] }> {
  const files: PythonFile[] = [];
  const problems: Problem[] = [];
  const read = async (pattern: string, take: (path: string, text: string) => void) => {
    for await (const path of glob(pattern, { cwd: root })) {
      take(path, await readFile(join(root, path), "utf8"));
    }
  };
  await read("{containers/probes,scenarios,examples}/**/*.py", (path, source) => {
    files.push({ path, checkedAs: path, indent: 0, source });
    for (const [at, text] of source.split("\n").entries()) {
      if (!IMPATIENT.test(text)) continue;
      const message = "a program's time-out goes through patient()";
      problems.push({ path, line: at + 1, column: 1, message });
    }
  });
  await read("{scenarios,examples}/**/*.ts", (path, text) => {
    for (const { line, indent, length, source } of inlinePrograms(path, text)) {
      files.push({ path, checkedAs: `${path}/${line}.py`, indent, source });
      for (const [at, text] of source.split("\n").entries()) {
        if (!isQuoted(text)) continue;
        const message = "a value is a literal with quotes of its own: it cannot stand in a string";
        problems.push({ path, line: at + 1, column: 1, message });
      }
      if (length <= LONGEST) continue;
      const message = `an inline program of ${length} lines: beyond ${LONGEST} it is a file`;
      problems.push({ path, line, column: 1, message });
    }
  });
  return { files, problems };
}

/** Whether a value stands inside a string: a quote is open where it begins. */
function isQuoted(line: string): boolean {
  const parts = line.split(GIVEN).slice(0, -1);
  const before = parts.map((_, at) => parts.slice(0, at + 1).join(GIVEN));
  return before.some((text) => /["']/.test(text.replaceAll(/"[^"]*"|'[^']*'/g, "")));
}
