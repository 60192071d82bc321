import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A vitest global set-up: what tests leave in their temporary folder goes when the run ends. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "pvh-tests-"));
  process.env["TMPDIR"] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
