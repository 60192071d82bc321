import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DIALECTS } from "../../../shared/pvrexport/dialects.fixture.ts";
import {
  CONTENT,
  FRAGMENT,
  JSON_FILE,
  OBJECT,
  OBJECT_FILE,
  SHA256,
  file,
  tar,
} from "../../../shared/pvrexport/tar-bytes.fixture.ts";
import { objectStore } from "./object-store.ts";
import { readExport } from "./read-export.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-pvtx-read-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function add(archive: Buffer): ReturnType<typeof readExport> {
  const path = join(folder, "export");
  writeFileSync(path, archive);
  return readExport(path, objectStore(join(folder, "objects")));
}

describe("pvtx reads each dialect of tar as the linter does, or refuses it in the same words", () => {
  it.each(DIALECTS.map(({ name, ...rest }) => [name, rest] as const))(
    "%s",
    async (name, { archive, expected }) => {
      if (expected !== "read") await expect(add(archive)).rejects.toThrow(expected);
      // The reader takes it; what it names is not there.
      else if (name === "an end before the object") {
        await expect(add(archive)).rejects.toThrow(
          `a/root.squashfs: its object ${SHA256} is missing`,
        );
      } else {
        expect(JSON.stringify(await add(archive))).toBe(FRAGMENT);
        expect(readFileSync(join(folder, "objects", SHA256))).toEqual(CONTENT);
      }
      expect(readdirSync(join(folder, "objects")).filter((one) => one !== SHA256)).toEqual([]);
    },
  );
});

it("an object that the store has already must be what it says all the same", async () => {
  await add(tar(JSON_FILE, OBJECT_FILE));
  await expect(add(tar(JSON_FILE, file(OBJECT, "something else")))).rejects.toThrow(
    "has the content of",
  );
});
