import { resolve } from "node:path";
import { checkPython } from "./pyright.ts";
import { readPython } from "./python-files.ts";

/** Check Python of scenarios, examples and `probes`: a line for each problem, and status 1. */
const { files, problems } = await readPython(resolve(import.meta.dirname, "../.."));
problems.push(...(await checkPython(files)));
for (const { path, line, column, message } of problems) {
  console.error(`${path}:${line}:${column}: ${message}`);
}
process.exitCode = problems.length === 0 ? 0 : 1;
