/** How vitest runs scenario files, for `pvh run` and for a `vitest` started by hand. */
export const SCENARIO_OPTIONS = {
  environment: "node",
  // Threads die with the process: a killed pvh leaves no worker behind.
  pool: "threads",
  isolate: true,
  fileParallelism: true,
} as const;
