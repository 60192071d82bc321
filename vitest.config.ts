import { defineConfig } from "vitest/config";

/** Two projects: `unit` needs no engine, `scenarios` boots appengines. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{harness,broker,reports,scenarios,containers}/**/*.test.ts"],
          environment: "node",
        },
      },
      {
        test: {
          name: "scenarios",
          include: ["scenarios/**/*.scenario.ts"],
          environment: "node",
          // Threads die with the process: a killed pvh leaves no worker behind.
          pool: "threads",
          isolate: true,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: true,
        },
      },
    ],
  },
});
