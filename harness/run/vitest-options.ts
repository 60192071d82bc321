import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MODULE, OWN_SOURCES } from "../root.ts";

/**
 * Test files and what they import are loaded by Node itself. Vite would take a path for a URL: a
 * clone below a folder with `#`, `?` or `%` in its name could load nothing.
 */
export const NATIVE_IMPORTS = {
  experimental: { viteModuleRunner: false, nodeLoader: false },
} as const;

/** Options of vitest for scenario files, in `pvh run` and in a `vitest` started by hand. */
export const SCENARIO_OPTIONS = {
  ...NATIVE_IMPORTS,
  environment: "node",
  // Each file has its own process, so that its death ends nothing else.
  pool: "forks",
  isolate: true,
  fileParallelism: true,
} as const;

/** Options of node for the process of a scenario. */
export const SCENARIO_EXEC_ARGV = [
  ...OWN_SOURCES,
  // As pvh's own process has it (harness/setup/pvh).
  "--min-semi-space-size=16",
  "--import",
  pathToFileURL(join(import.meta.dirname, `worker-preload${MODULE}`)).href,
];
