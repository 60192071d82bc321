import { globSync, statSync } from "node:fs";
import { join, matchesGlob } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../root.ts";
import { DATA, LEFT_OUT } from "./package-data.ts";

test("every file beside the modules is in the package, or is named as left out", () => {
  const files = globSync("{broker,harness,reports,scenarios,fixtures/{kas,layers,pv-tests}}/**", {
    cwd: ROOT,
  }).filter((path) => statSync(join(ROOT, path)).isFile());
  const told = [...DATA, ...LEFT_OUT];
  // tsc takes along what a module imports.
  const compiled = /\.(ts|md)$|interfaces\.json$|__pycache__/;
  const forgotten = files
    .filter((path) => !compiled.test(path))
    .filter((path) => !told.some((pattern) => matchesGlob(path, pattern)));
  expect(forgotten).toEqual([]);
});
