/**
 * Test files and what they import are loaded by Node itself. Vite would take a path for a URL: a
 * clone below a folder with `#`, `?` or `%` in its name could load nothing.
 */
export const NATIVE_IMPORTS = {
  experimental: { viteModuleRunner: false, nodeLoader: false },
} as const;

/** How vitest runs scenario files, for `pvh run` and for a `vitest` started by hand. */
export const SCENARIO_OPTIONS = {
  ...NATIVE_IMPORTS,
  environment: "node",
  // Threads die with the process: a killed pvh leaves no worker behind.
  pool: "threads",
  isolate: true,
  fileParallelism: true,
} as const;
