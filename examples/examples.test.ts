import { join } from "node:path";
import { expect, test } from "vitest";
import { lintPath } from "../harness/exports/lint-path.ts";

test("the linter finds nothing in the export of one's own", async () => {
  expect(await lintPath(join(import.meta.dirname, "greeter"))).toEqual([]);
});
