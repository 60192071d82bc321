import { defineConfig } from "vitest/config";
import { NATIVE_IMPORTS, SCENARIO_OPTIONS } from "./harness/run/vitest-options.ts";

/**
 * Four projects: `unit` needs no engine, `robust` private ones, `package` and `scenarios` boot appengines. `pvh run` does not read
 * this file; it gives vitest the same SCENARIO_OPTIONS.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{harness,broker,reports,scenarios,containers,examples}/**/*.test.ts"],
          exclude: ["**/*.robust.test.ts", "**/*.pack.test.ts"],
          globalSetup: "harness/temporary-folder.setup.ts",
          environment: "node",
          ...NATIVE_IMPORTS,
          // Tests of deadlines must not depend on the load of the machine.
          env: { PVH_CLOCK: "wall" },
          // Files share a process: a process of its own for each costs more than its tests.
          isolate: false,
          maxWorkers: 2,
          // A deadline for hangs: the longest takes 10 s on a busy machine with two cores.
          testTimeout: 60_000,
        },
      },
      {
        // Load and trouble for a minute and more: npx vitest run --project robust, as root.
        test: {
          name: "robust",
          include: ["{broker,harness}/**/*.robust.test.ts"],
          globalSetup: "harness/temporary-folder.setup.ts",
          environment: "node",
          ...NATIVE_IMPORTS,
          testTimeout: 60_000,
        },
      },
      {
        // Packs pvh and installs it from the registry: npx vitest run --project package.
        test: {
          name: "package",
          include: ["harness/package/*.pack.test.ts"],
          globalSetup: "harness/temporary-folder.setup.ts",
          environment: "node",
          ...NATIVE_IMPORTS,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: "scenarios",
          include: ["{scenarios,examples}/**/*.scenario.ts"],
          globalSetup: "harness/run/standalone-setup.ts",
          ...SCENARIO_OPTIONS,
        },
      },
    ],
  },
});
