import { cpSync, mkdirSync, mkdtempSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { findCached, keepCached } from "./cached-file.ts";

const DIGEST = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"; // of "content"

/** A cache of which this process has read nothing: a copy of one that it has filled. */
async function cache(): Promise<{ folder: string; start: string; end: string; file: string }> {
  const folder = mkdtempSync(join(tmpdir(), "cache-"));
  const name = { folder, start: "key", end: ".tar" };
  writeFileSync(join(folder, "draft"), "content");
  const kept = await keepCached(join(folder, "draft"), name);
  expect(kept).toEqual({ path: join(folder, `key.${DIGEST}.tar`), digest: DIGEST, size: 7 });
  const copy = mkdtempSync(join(tmpdir(), "cache-"));
  cpSync(folder, copy, { recursive: true });
  return { ...name, folder: copy, file: join(copy, `key.${DIGEST}.tar`) };
}

afterEach(() => {
  vi.unstubAllEnvs();
});

test("what was kept is found by its name, and nothing else is", async () => {
  const name = await cache();
  expect(await findCached(name)).toMatchObject({ digest: DIGEST, size: 7 });
  expect(await findCached({ ...name, start: "ke" })).toBeUndefined();
  expect(await findCached({ ...name, end: ".tgz" })).toBeUndefined();
});

test.each<[string, (file: string) => void]>([
  ["cut", (file) => truncateSync(file, 3)],
  ["empty", (file) => truncateSync(file, 0)],
  ["another's, of the same size", (file) => writeFileSync(file, "CONTENT")],
])("a file that is %s is removed, and counts as missing", async (_what, spoil) => {
  const name = await cache();
  spoil(name.file);
  expect(await findCached(name)).toBeUndefined();
  expect(readdirSync(name.folder)).toEqual([]);
});

test("what is no file, or has no digest in its name, is passed over", async () => {
  const name = await cache();
  mkdirSync(join(name.folder, `key.${"0".repeat(64)}.tar`));
  writeFileSync(join(name.folder, "key.tar"), "content");
  writeFileSync(join(name.folder, "key.0123.tar"), "content");
  expect(await findCached(name)).toMatchObject({ path: name.file });
});

test("PVH_CACHE=off finds only what this process has made", async () => {
  const name = await cache();
  vi.stubEnv("PVH_CACHE", "off");
  expect(await findCached(name)).toBeUndefined();
  writeFileSync(join(name.folder, "draft"), "content");
  await keepCached(join(name.folder, "draft"), name);
  expect(await findCached(name)).toMatchObject({ path: name.file });
});
