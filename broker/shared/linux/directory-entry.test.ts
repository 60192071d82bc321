import fc from "fast-check";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  makeDeviceNumber,
  makeDirectory,
  renameEntry,
  splitDeviceNumber,
  unlinkEntry,
} from "./directory-entry.ts";
import { O_DIRECTORY, O_PATH } from "./openat2.ts";
import { PROPERTY_RUNS } from "../formats/property-runs.fixture.ts";

it("encodes and decodes device numbers", () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffffffff }), fc.nat({ max: 0xffffffff }), (major, minor) => {
      expect(splitDeviceNumber(makeDeviceNumber(major, minor))).toEqual({ major, minor });
    }),
    { numRuns: PROPERTY_RUNS },
  );
  expect(makeDeviceNumber(226, 128)).toBe(0xe280n);
});

it("renames only to a free name, and takes single components only", () => {
  const path = mkdtempSync(join(tmpdir(), "pvh-entry-"));
  const directory = openSync(path, O_PATH | O_DIRECTORY);
  writeFileSync(join(path, "a"), "a");
  writeFileSync(join(path, "b"), "b");
  expect(() => {
    renameEntry(directory, "a", "b");
  }).toThrow("EEXIST");
  unlinkEntry(directory, "b");
  renameEntry(directory, "a", "b");
  expect(readFileSync(join(path, "b"), "utf8")).toBe("a");
  for (const name of ["", ".", "..", "x/y", "x\0y"]) {
    expect(() => {
      makeDirectory(directory, name, 0o755);
    }).toThrow("not a single path component");
  }
  closeSync(directory);
  rmSync(path, { recursive: true });
});
