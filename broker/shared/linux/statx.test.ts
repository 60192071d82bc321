import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { inodeFacts, placeOf, sizeOf } from "./statx.ts";

const directory = mkdtempSync(join(tmpdir(), "statx-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("the facts are those that Node sees", () => {
  const path = join(directory, "file");
  writeFileSync(path, "twelve bytes");
  const fd = openSync(path, "r");
  const { ctimeMs } = fstatSync(fd);
  const facts = inodeFacts(fd);
  expect(facts).toMatchObject({
    isFile: true,
    size: 12,
    changed: 1000 * Math.floor(ctimeMs / 1000),
  });
  closeSync(fd);
  expect(sizeOf(path)).toBe(12);
  const folder = openSync(directory, "r");
  expect(inodeFacts(folder)?.isFile).toBe(false);
  closeSync(folder);
});

test("the version stays when a file is read, and is another when it is written or touched", () => {
  const path = join(directory, "versions");
  writeFileSync(path, "one");
  const fd = openSync(path, "r");
  const versionOf = () => inodeFacts(fd)?.version;
  const first = versionOf();
  utimesSync(path, 1, fstatSync(fd).mtime);
  const touched = versionOf();
  expect(touched).not.toBe(first);
  expect(versionOf()).toBe(touched);
  writeFileSync(path, "four");
  expect(versionOf()).not.toBe(touched);
  closeSync(fd);
});

test("a place is the same by path and by descriptor, and no other directory's", () => {
  const [one, other] = ["one", "other"].map((name) => join(directory, name)) as [string, string];
  mkdirSync(one);
  mkdirSync(other);
  const fd = openSync(one, "r");
  expect(placeOf(fd)).toBe(placeOf(one));
  expect(placeOf(fd)).not.toBe(placeOf(other));
  closeSync(fd);
});

test("a missing file has no size, place or facts", () => {
  expect(placeOf(join(directory, "absent"))).toBeUndefined();
  expect(sizeOf(join(directory, "absent"))).toBeUndefined();
  expect(inodeFacts(-1)).toBeUndefined();
});
