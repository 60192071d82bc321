import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cachedLayer } from "./layer-cache.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvh-"));
  vi.stubEnv("XDG_CACHE_HOME", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const options = { signal: new AbortController().signal, progress: () => undefined };
const key = (letter: string) => letter.repeat(64);

test("a layer is made once, also when several want it at the same time", async () => {
  let made = 0;
  const make = async (path: string) => {
    made += 1;
    await writeFile(path, "content");
  };
  const layers = await Promise.all(
    [1, 2, 3].map(() => cachedLayer("kind", key("a"), 2, make, options)),
  );
  expect(made).toBe(1);
  const digest = createHash("sha256").update("content").digest("hex");
  expect(layers.map((layer) => [layer.digest, layer.size])).toEqual(
    Array.from({ length: 3 }, () => [digest, 7]),
  );
});

test("a build that fails leaves nothing, and the next one is done again", async () => {
  const fail = async (path: string) => {
    await writeFile(path, "half");
    throw new Error("full");
  };
  await expect(cachedLayer("kind", key("a"), 2, fail, options)).rejects.toThrow("full");
  expect(await readdir(join(folder, "pvh/kind"))).toEqual(["lock"]);
  const layer = await cachedLayer("kind", key("a"), 2, (path) => writeFile(path, "whole"), options);
  expect(layer.size).toBe(5);
});

test("only the newest layers of a kind stay", async () => {
  for (const letter of ["a", "b", "c"]) {
    await cachedLayer("kind", key(letter), 2, (path) => writeFile(path, letter), options);
  }
  const left = (await readdir(join(folder, "pvh/kind"))).filter((name) => name !== "lock");
  expect(left.map((name) => name[0]).sort()).toEqual(["b", "c"]);
});

test("each group of a kind has layers of its own, which those of others do not push out", async () => {
  const made = async (group: string, letter: string) =>
    cachedLayer(
      "kind",
      key(letter),
      { group, keep: 2 },
      (path) => writeFile(path, letter),
      options,
    );
  const left = async () =>
    (await readdir(join(folder, "pvh/kind")))
      .filter((name) => name !== "lock")
      .map((name) => name.slice(0, 5))
      .sort();
  for (const group of ["one", "two", "six"]) await made(group, "a");
  for (const letter of ["b", "c", "d"]) await made("one", letter);
  expect(await left()).toEqual(["one-c", "one-d", "six-a", "two-a"]);
  const long = new Date(Date.now() - 31 * 24 * 3600 * 1000);
  await utimes((await made("two", "a")).path, long, long);
  await made("one", "e");
  expect(await left()).toEqual(["one-d", "one-e", "six-a"]);
});

test("a layer is there after it was made, also when the others come from the future", async () => {
  const made = async (letter: string) =>
    cachedLayer("kind", key(letter), 2, (path) => writeFile(path, letter), options);
  const later = new Date(Date.now() + 3_600_000);
  for (const letter of ["a", "b"]) await utimes((await made(letter)).path, later, later);
  expect((await made("c")).size).toBe(1);
});
