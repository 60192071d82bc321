import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeFolder } from "../make-folder.ts";
import { ScenarioIndex } from "./scenario-index.ts";

const FOLDERS = ["broker", "containers", "examples", "fixtures", "harness", "reports", "scenarios"];
const declared = {
  name: "x",
  suite: "unix",
  file: "scenarios/x.scenario.ts",
  path: "/clone/scenarios/x.scenario.ts",
  summary: "s",
  tags: [],
  requires: [],
  alone: false,
  boot: "",
  containers: [],
  checks: [{ id: "a.b", title: "t", suite: "unix" }],
};
let root = "";
let cache = "";
let path = "";
let loaded: Map<string, typeof declared>;
let now = 0;

beforeEach(() => {
  const home = mkdtempSync(join(tmpdir(), "pvh-index-"));
  [root, cache] = [join(home, "clone"), join(home, "cache")];
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) writeFileSync(join(root, file), "{}");
  path = join(root, "scenarios/x.scenario.ts");
  writeFileSync(path, "1");
  loaded = new Map([[path, declared]]);
  vi.stubEnv("XDG_CACHE_HOME", cache);
  // Files that have just been written may still change unseen.
  now = Date.now() + 10_000;
  vi.spyOn(Date, "now").mockImplementation(() => now);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(join(root, ".."), { recursive: true });
});

const file = (): string => {
  const folder = join(cache, "pvh/index");
  return join(folder, readdirSync(folder)[0] ?? "");
};

test("what was kept is known the next time, and nothing else", () => {
  new ScenarioIndex(root).keep(loaded);
  expect(new ScenarioIndex(root).get(path)).toEqual(declared);
  expect(new ScenarioIndex(root).get(`${path}x`)).toBeUndefined();
});

test.each([
  ["the file", "scenarios/x.scenario.ts"],
  ["a file of the same folder", "scenarios/support.ts"],
  ["a program that a scenario reads", "containers/probe.py"],
  ["the packages", "package-lock.json"],
])("a change of %s makes it unknown", (_, changed) => {
  new ScenarioIndex(root).keep(loaded);
  writeFileSync(join(root, changed), "2");
  expect(new ScenarioIndex(root).get(path)).toBeUndefined();
});

test("a file that changes while it is loaded is not kept", () => {
  const index = new ScenarioIndex(root);
  writeFileSync(path, "2");
  index.keep(loaded);
  expect(new ScenarioIndex(root).get(path)).toBeUndefined();
});

test("files that have just changed are not kept: they may change again with the same time", () => {
  now -= 10_000;
  new ScenarioIndex(root).keep(loaded);
  expect(new ScenarioIndex(root).get(path)).toBeUndefined();
});

test.each<[string, (bytes: Buffer) => Uint8Array]>([
  ["cut", (bytes) => bytes.subarray(0, bytes.length - 5)],
  ["empty", () => Buffer.alloc(0)],
  ["foreign", () => Buffer.from("something else that is longer than a checksum of 32 bytes")],
  ["damaged", (bytes) => bytes.map((byte, at) => (at === 50 ? byte ^ 1 : byte))],
])("a file that is %s counts as none, and is made anew", (_, spoil) => {
  new ScenarioIndex(root).keep(loaded);
  writeFileSync(file(), spoil(readFileSync(file())));
  const index = new ScenarioIndex(root);
  expect(index.get(path)).toBeUndefined();
  index.keep(loaded);
  expect(new ScenarioIndex(root).get(path)).toEqual(declared);
});

test("the index of another Node counts as none", () => {
  new ScenarioIndex(root).keep(loaded);
  vi.spyOn(process, "version", "get").mockReturnValue("v1.0.0");
  expect(new ScenarioIndex(root).get(path)).toBeUndefined();
});

test("PVH_CACHE=off neither reads nor writes", () => {
  new ScenarioIndex(root).keep(loaded);
  vi.stubEnv("PVH_CACHE", "off");
  expect(new ScenarioIndex(root).get(path)).toBeUndefined();
  rmSync(file());
  new ScenarioIndex(root).keep(loaded);
  expect(readdirSync(join(cache, "pvh/index"))).toEqual([]);
});

test("where no file can be made, nothing is kept and nothing fails", () => {
  makeFolder(join(cache, "pvh"));
  writeFileSync(join(cache, "pvh/index"), "a file where the folder should be");
  const index = new ScenarioIndex(root);
  index.keep(loaded);
  expect(new ScenarioIndex(root).get(path)).toBeUndefined();
});

test("two that keep at once leave a whole index", () => {
  const [one, two] = [new ScenarioIndex(root), new ScenarioIndex(root)];
  one.keep(loaded);
  two.keep(loaded);
  expect(new ScenarioIndex(root).get(path)).toEqual(declared);
  expect(readdirSync(join(cache, "pvh/index")).length).toBe(1);
});
