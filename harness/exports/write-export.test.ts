import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readExport } from "./read-export.ts";
import { sha256Of, writeExport } from "./write-export.ts";
import type { ObjectSource } from "./write-export.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvh-write-export-"));
});
afterAll(() => rm(folder, { recursive: true }));

const fragment = { "#spec": "pantavisor-service-system@1", "a/run.json": { name: "a" } };

test("an export is read back as it was written, json first", async () => {
  const file = join(folder, "object");
  await writeFile(file, "x".repeat(100_000));
  const objects = new Map<string, ObjectSource>([
    [sha256Of("x".repeat(100_000)), { file }],
    [sha256Of("small"), Buffer.from("small")],
  ]);
  const path = join(folder, "new", "a.pvrexport.tgz");
  await writeExport(path, { fragment, objects });

  expect(
    gunzipSync(await readFile(path))
      .subarray(0, 5)
      .toString("latin1"),
  ).toBe("json\0");
  const read = await readExport(path);
  expect(read.fragment).toEqual(fragment);
  expect([...read.objects].sort()).toEqual(
    [
      [sha256Of("small"), 5],
      [sha256Of("x".repeat(100_000)), 100_000],
    ].sort(),
  );
});

test("the same content gives the same bytes, whatever the order of the objects", async () => {
  const pairs = ["1", "2", "3"].map((text): [string, Buffer] => [
    sha256Of(text),
    Buffer.from(text),
  ]);
  const [one, two] = [join(folder, "one"), join(folder, "two")];
  await writeExport(one, { fragment, objects: new Map(pairs) });
  await writeExport(two, { fragment, objects: new Map([...pairs].reverse()) });
  expect((await readFile(one)).equals(await readFile(two))).toBe(true);
});

test("nothing is left behind when an object cannot be read or the writing is cancelled", async () => {
  const own = join(folder, "own");
  const objects = new Map([[sha256Of(""), { file: join(folder, "missing") }]]);
  await expect(writeExport(join(own, "x"), { fragment, objects })).rejects.toThrow(/ENOENT/);
  const none = { fragment, objects: new Map<string, ObjectSource>() };
  await expect(writeExport(join(own, "x"), none, AbortSignal.abort())).rejects.toThrow(/abort/i);
  expect(await readdir(own)).toEqual([]);
});
