import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findDamage, prepareStorage, writeAndKill } from "./power-cut.fixture.ts";
import { recoverStorage } from "./recover-storage.ts";

/**
 * A hundred kills:
 * `PVH_KILLS=100 npx vitest run --project unit broker/pantavisor/storage/power-cut`.
 */
const KILLS = Number(process.env["PVH_KILLS"] ?? 12);
const SEED = Number(process.env["PVH_SEED"] ?? 1);

let folder: string;
const at = (...path: string[]) => join(folder, "storage", ...path);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "pvh-power-cut-"));
  await prepareStorage(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

it(
  `storage is consistent after each of ${KILLS} kills at random moments`,
  { timeout: 20_000 + KILLS * 2_000 },
  async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const seed = SEED * 1000 + kill;
      // Spread over 30 ms by the golden ratio: evenly, and the same for the same seed.
      await writeAndKill(folder, seed, ((seed * 0.618034) % 1) * 30);
      recoverStorage(at());
      expect(findDamage(at()), `seed ${seed}`).toEqual([]);
    }
  },
);

it("the check sees damage, and recovery undoes what a kill can leave", () => {
  for (const half of ["locals/a.incoming/.pvr", "locals/b.bak/.pvr"]) {
    mkdirSync(at("trails", half), { recursive: true });
  }
  writeFileSync(at("objects/.incoming-x"), "half");
  expect(findDamage(at())).toHaveLength(3);
  recoverStorage(at());
  // The backup is back, and it is no revision: that is what it was before.
  expect(findDamage(at())).toEqual(["trails/locals/b: has no state"]);
});
