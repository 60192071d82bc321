import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { none, parseQuirks } from "../shared/quirks/quirks.ts";
import { readBootEnvironment } from "./storage/boot-environment.ts";
import { BadExport, firstBoot, initialRevisionOf } from "./first-boot.ts";
import { ownLog } from "./own-log.ts";

let folder: string;
let lines: string[];
const at = (...path: string[]) => join(folder, ...path);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-boot-"));
  lines = [];
  mkdirSync(at("pvtx.d"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function boot(quirks = "", initialRevision = "0"): Promise<void> {
  const write = (text: string) => void lines.push(text);
  return firstBoot({
    storage: at("storage"),
    exports: [at("pvtx.d"), at("pvtx.extra.d")],
    initialRevision,
    transactionFolder: at("transaction"),
    log: ownLog(write, write, () => 0),
    quirks: parseQuirks(quirks),
  });
}

const put = (name: string, entries: object) =>
  writeFileSync(
    at("pvtx.d", name),
    JSON.stringify({ "#spec": "pantavisor-service-system@1", ...entries }),
  );
const state = () => JSON.parse(readFileSync(at("storage/trails/0/.pvr/json"), "utf8")) as object;

it("prepares storage and deploys the exports in byte order", async () => {
  put("b.json", { "groups.json": ["from b"] });
  put("B.json", { "groups.json": ["from B"] });
  await boot();
  expect(state()).toMatchObject({ "groups.json": ["from b"] });
  expect(readBootEnvironment(at("storage/boot/uboot.txt")).revision).toBe("0");
  expect(readdirSync(at("storage"))).toEqual(expect.arrayContaining([".created", ".pvtx-done"]));
});

it("gives the first revision a name, which the boot then runs as a good one", async () => {
  put("a.json", { "groups.json": ["from pvtx.d"] });
  mkdirSync(at("pvtx.extra.d"));
  const more = { "#spec": "pantavisor-service-system@1", "groups.json": ["from pvtx.extra.d"] };
  writeFileSync(at("pvtx.extra.d/0.json"), JSON.stringify(more));
  await boot("", "locals/first");
  const folder = at("storage/trails/locals/first");
  expect(JSON.parse(readFileSync(join(folder, ".pvr/json"), "utf8"))).toEqual(more);
  expect(readFileSync(join(folder, ".pv/progress"), "utf8")).toContain('"status":"DONE"');
  expect(readBootEnvironment(at("storage/boot/uboot.txt")).revision).toBe("locals/first");
});

it.each([
  [undefined, "0"],
  ["", "0"],
  ["7", "7"],
  ["locals/first", "locals/first"],
])("PV_APPENGINE_INITIAL_REV=%s is revision %s", (name, revision) => {
  expect(initialRevisionOf({ PV_APPENGINE_INITIAL_REV: name }, none)).toBe(revision);
});

it.each(["first", "../0", "locals/../../x", "locals/a/b", "locals/a.bak", "-1"])(
  "PV_APPENGINE_INITIAL_REV=%s is refused",
  (name) => {
    expect(() => initialRevisionOf({ PV_APPENGINE_INITIAL_REV: name }, none)).toThrow(
      "is no name of a revision",
    );
  },
);

it("processes the exports once per volume", async () => {
  await boot();
  put("late.json", { "groups.json": [] });
  await boot();
  expect(Object.keys(state())).toEqual(["#spec"]);
});

it("fails with the file name of a bad export and tries again next time", async () => {
  writeFileSync(at("pvtx.d/bad.pvrexport.tgz"), "rubbish");
  await expect(boot()).rejects.toThrow(BadExport);
  await expect(boot()).rejects.toThrow("bad.pvrexport.tgz");
  rmSync(at("pvtx.d/bad.pvrexport.tgz"));
  await boot();
  expect(Object.keys(state())).toEqual(["#spec"]);
});

it("fails with the key of an object that no export brought", async () => {
  put("bare.json", { "a/root.squashfs": "a".repeat(64) });
  await expect(boot()).rejects.toThrow(
    `the exports cannot be deployed: a/root.squashfs: its object ${"a".repeat(64)} is missing`,
  );
});

it("passes over a bad export under export-unchecked", async () => {
  writeFileSync(at("pvtx.d/bad.pvrexport.tgz"), "rubbish");
  await boot("export-unchecked");
  expect(lines.join("")).toContain("WARN -- [pv-appengine]: export bad.pvrexport.tgz");
});

it("works without a folder of exports", async () => {
  rmSync(at("pvtx.d"), { recursive: true });
  await boot();
  expect(Object.keys(state())).toEqual(["#spec"]);
});
