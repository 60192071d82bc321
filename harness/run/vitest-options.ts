import { join } from "node:path";

/** How vitest runs scenario files, for `pvh run` and for a `vitest` started by hand. */
export const SCENARIO_OPTIONS = {
  environment: "node",
  // A process of its own for each: whatever ends it ends nothing else.
  pool: "forks",
  isolate: true,
  fileParallelism: true,
} as const;

/** Options of node for the process of a scenario. */
export const SCENARIO_EXEC_ARGV = ["--import", join(import.meta.dirname, "worker-preload.ts")];
