import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { text } from "node:stream/consumers";
import * as z from "zod";
import type { Problem, PythonFile } from "./python-files.ts";

const ROOT = join(import.meta.dirname, "../..");
const PYRIGHT = join(ROOT, "node_modules/pyright/index.js");
/** Types of the packages that the containers have beside Python's own. */
const TYPINGS = join(import.meta.dirname, "typings");

/** The Python of the examples' root file system. */
const SETTINGS = {
  pythonVersion: "3.11",
  pythonPlatform: "Linux",
  typeCheckingMode: "standard",
  extraPaths: ["containers"],
  stubPath: "typings",
  reportUnusedImport: "error",
  reportUnusedVariable: "error",
  reportMissingModuleSource: "none",
};

const report = z.object({
  generalDiagnostics: z.array(
    z.object({
      file: z.string(),
      severity: z.enum(["error", "warning", "information"]),
      message: z.string(),
      range: z.object({ start: z.object({ line: z.number(), character: z.number() }) }),
    }),
  ),
});

/**
 * Faults that pyright finds: syntax, names, imports, calls. It needs no Python on this machine.
 *
 * @throws Error with its words when it gives no report
 */
export async function checkPython(files: readonly PythonFile[]): Promise<Problem[]> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-python-"));
  try {
    await cp(TYPINGS, join(folder, "typings"), { recursive: true });
    await writeFile(join(folder, "pyrightconfig.json"), JSON.stringify(SETTINGS));
    for (const { checkedAs, source } of files) {
      await mkdir(dirname(join(folder, checkedAs)), { recursive: true });
      await writeFile(join(folder, checkedAs), source);
    }
    const { generalDiagnostics } = report.parse(JSON.parse(await reportOf(folder)));
    const byPath = new Map(files.map((file) => [file.checkedAs, file]));
    return generalDiagnostics.map(({ file, message, range: { start } }) => {
      const checked = byPath.get(relative(folder, file));
      const path = checked?.path ?? file;
      const column = start.character + 1 + (checked?.indent ?? 0);
      return { path, line: start.line + 1, column, message };
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function reportOf(folder: string): Promise<string> {
  const child = spawn(process.execPath, [PYRIGHT, "--outputjson", "-p", folder], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (out === "") throw new Error(`pyright gave no report:\n${err}`);
  return out;
}
