/**
 * The pvh command. Its version is told before anything else is loaded: scripts and editors ask for it
 * before they do anything.
 */
import { writeSync } from "node:fs";
import packageJson from "../../package.json" with { type: "json" };

const isVersion = process.argv.length === 3 && process.argv[2] === "--version";
// A mistake in PVH_DEBUG is one for every command.
if (!isVersion || process.env["PVH_DEBUG"] !== undefined || !wrote(`${packageJson.version}\n`)) {
  await import("./command-line.ts");
}

/** @returns false for an output that takes nothing, of which the whole command line tells */
function wrote(text: string): boolean {
  try {
    writeSync(1, text);
    return true;
  } catch {
    return false;
  }
}
