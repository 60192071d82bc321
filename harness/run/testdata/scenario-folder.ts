import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../root.ts";

/**
 * A folder of scenario files that a test writes, outside of the clone.
 *
 * @param files the rest of a file by its scenario's name; `scenario`, `expect` and the rest of
 * vitest are imported above it
 */
export function scenarioFolder(files: Readonly<Record<string, string>>): string {
  const base = mkdtempSync(join(tmpdir(), "pvh-scenarios-"));
  symlinkSync(join(ROOT, "node_modules"), join(base, "node_modules"));
  const folder = join(base, "suite");
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, `${name}.scenario.ts`), text);
  }
  return folder;
}

/** A file that declares a scenario of checks without an appengine: the text of their bodies. */
export function scenarioText(
  name: string,
  bodies: readonly string[],
  { before = "", options = "", shares = "" } = {},
): string {
  const checks = bodies.map(
    (body, index) =>
      `  check(${JSON.stringify(CHECKS[index])}, "check ${index}", async ({ skip, signal }) => {\n${body}\n}${options});`,
  );
  const sharing = shares === "" ? "" : `, shares: ${JSON.stringify(shares)}`;
  return [
    `import { writeFileSync } from "node:fs";`,
    `import * as vitest from "vitest";`,
    `import { scenario } from ${JSON.stringify(join(ROOT, "harness/run/scenario.ts"))};`,
    `const { expect, vi, onTestFinished, onTestFailed, afterAll, afterEach, beforeAll, test } = vitest;`,
    // False while the file is only listed.
    `const inRun = "__vitest_worker__" in globalThis;`,
    before,
    `scenario(${JSON.stringify(name)}, { summary: "s", boot: "none"${sharing} }, ({ check }) => {`,
    ...checks,
    `});`,
    "",
  ].join("\n");
}

/** Rows of the catalogue that the checks of such a scenario go by, in order. */
export const CHECKS = ["report.exit", "report.junit", "diag.host", "diag.pid-zero"] as const;
