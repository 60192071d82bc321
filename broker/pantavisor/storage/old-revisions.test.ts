import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { oldRevisions, removeRevisions } from "./old-revisions.ts";

let storage: string;
const at = (...path: string[]) => join(storage, ...path);
beforeEach(() => {
  storage = mkdtempSync(join(tmpdir(), "pvh-old-"));
});
afterEach(() => rmSync(storage, { recursive: true }));

const step = (name: string, status: string) => ({
  name,
  date: "",
  commitmsg: "",
  progress: { status },
});
const STEPS = [
  step("0", "DONE"),
  step("locals/running", "UPDATED"),
  step("locals/failed", "ERROR"),
  step("locals/refused", "WONTGO"),
  step("locals/new", "NEW"),
  step("locals/trial", "TESTING"),
];
const inUse = (name: string) => (name === "locals/running" ? "is running" : undefined);

it("what ran or was refused may go, unless a boot comes back to it", () => {
  const old = ["locals/failed", "locals/refused"];
  expect(oldRevisions(STEPS, { inUse, keepsFactory: false })).toEqual(["0", ...old]);
  expect(oldRevisions(STEPS, { inUse, keepsFactory: true })).toEqual(old);
});

it("a revision goes with its logs and its volumes, those of others stay", () => {
  for (const path of [
    "trails/locals/a/.pvr",
    "trails/locals/b/.pvr",
    "logs/locals/a/pantavisor",
    "logs/locals/b/pantavisor",
    "disks/rev/locals/a/c/data",
    "disks/perm/c/data",
  ]) {
    mkdirSync(at(path), { recursive: true });
    writeFileSync(at(path, "file"), "");
  }
  removeRevisions(storage, ["locals/a"]);
  expect(readdirSync(at("trails/locals"))).toEqual(["b"]);
  expect(readdirSync(at("logs/locals"))).toEqual(["b"]);
  expect(existsSync(at("disks/rev/locals/a"))).toBe(false);
  expect(existsSync(at("disks/perm/c/data/file"))).toBe(true);
});
