import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DIALECTS } from "../../broker/shared/pvrexport/dialects.fixture.ts";
import { CONTENT, FRAGMENT, SHA256 } from "../../broker/shared/pvrexport/tar-bytes.fixture.ts";
import { readExport } from "./read-export.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvh-dialects-"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each(DIALECTS.map(({ name, ...rest }) => [name, rest] as const))(
  "the linter reads %s as pvtx does, or refuses it in the same words",
  async (_name, { archive, expected }) => {
    const path = join(folder, "export");
    await writeFile(path, archive);
    if (expected === "read") {
      const { fragment, objects } = await readExport(path);
      expect(JSON.stringify(fragment)).toBe(FRAGMENT);
      for (const [sha256, size] of objects)
        expect([sha256, size]).toEqual([SHA256, CONTENT.length]);
      return;
    }
    const error = await readExport(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "PVH_BAD_EXPORT", class: "usage" });
    expect((error as Error).message.slice(`${path}: `.length)).toMatch(expected);
  },
);
