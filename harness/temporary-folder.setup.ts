import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileCacheFolder } from "./engine/folders.ts";

/** A vitest global set-up: what tests leave in their temporary folder goes when the run ends. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "pvh-tests-"));
  process.env["TMPDIR"] = folder;
  // Half of the time of a program or a splice worker that a test starts is compiling modules.
  const compiled = compileCacheFolder();
  if (compiled !== undefined) process.env["NODE_COMPILE_CACHE"] ??= compiled;
  return () => rmSync(folder, { recursive: true, force: true });
}
