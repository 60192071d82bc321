import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { openat2 } from "../../shared/linux/openat2.ts";
import { ProviderFiles } from "./provider-files.ts";

const directory = mkdtempSync(join(tmpdir(), "files-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A root that opens real files in a directory. */
const root = {
  open: (path: string, flags: number) => openat2(AT_FDCWD, join(directory, path), flags, 0),
};
const AT_FDCWD = -100;

test("a file that changes is read anew, also within one tick and with its old times", () => {
  const files = new ProviderFiles();
  const path = join(directory, "passwd");
  for (const text of ["one", "two", "six"]) {
    writeFileSync(path, text);
    utimesSync(path, 1, 1);
    expect(files.read(root, "passwd", 100)).toBe(text);
  }
  // By the reader's clock the file was left alone long enough, so its content is kept from now on.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2_000 });
  expect(files.read(root, "passwd", 100)).toBe("six");
  writeFileSync(path, "ten");
  utimesSync(path, 1, 1);
  expect(files.read(root, "passwd", 100)).toBe("ten");
  rmSync(path);
  expect(files.read(root, "passwd", 100)).toBeUndefined();
  vi.useRealTimers();
});

test("only regular files up to the limit have content", () => {
  const files = new ProviderFiles();
  writeFileSync(join(directory, "long"), "x".repeat(101));
  expect(files.read(root, "long", 100)).toBeUndefined();
  expect(files.read(root, "long", 101)).toBe("x".repeat(101));
  symlinkSync("/dev/zero", join(directory, "zero"));
  expect(files.read(root, "zero", 100)).toBeUndefined();
  expect(files.read(root, ".", 100)).toBeUndefined();
});
