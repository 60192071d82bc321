import { existsSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseQuirks } from "../shared/quirks/quirks.ts";
import { toConfig } from "./appengine-config.ts";
import { UsualPaths } from "./usual-paths.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-paths-"));
  mkdirSync(join(folder, "storage/logs"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

function paths(quirks = ""): UsualPaths {
  const settings = `PV_STORAGE_MNTPOINT=${folder}/storage\nPV_SYSTEM_RUNDIR=${folder}\n`;
  return new UsualPaths(toConfig(settings, {}), parseQuirks(quirks));
}

test("logs/current follows the revision, whose name may have a slash", () => {
  paths().pointAtLogs("0");
  paths().pointAtLogs("locals/x");
  expect(readlinkSync(join(folder, "storage/logs/current"))).toBe("locals/x");
});

test("a container sees its own folders, one with the role mgmt all", () => {
  const logs = join(folder, "storage/logs/0/c");
  const own = paths().viewsOf("c", false, logs);
  expect(own.map(({ name }) => name)).toEqual(["device-meta", "user-meta", "logs"]);
  expect(own.map(({ source }) => source)).toEqual([
    join(folder, "device-meta.c"),
    join(folder, "user-meta.c"),
    logs,
  ]);
  const all = paths().viewsOf("c", true, logs);
  expect(all[0]?.source).toBe(join(folder, "storage/cache/devmeta"));
  expect(all.every(({ source }) => existsSync(source))).toBe(true);
  expect(paths("paths-missing").viewsOf("c", true, logs)).toEqual([]);
});

test("a managing container sees the metadata of others, and files that it cannot write", () => {
  const one = paths();
  one.makeOfControl();
  one.viewsOf("other", false, join(folder, "storage/logs/0/other"));
  const names = one.viewsOf("c", true, join(folder, "storage/logs/0/c")).map(({ name }) => name);
  expect(names).toEqual([
    "device-meta",
    "user-meta",
    "logs",
    "phconfig",
    "pv-fd-log",
    "device-meta.other",
    "user-meta.other",
    "challenge",
    "device-id",
    "pantahub-host",
  ]);
  expect(statSync(join(folder, "device-id")).mode & 0o777).toBe(0o444);
});

test("a link or a folder that is there already stays", () => {
  paths().makeOfAppengine(folder);
  paths().makeOfAppengine(folder);
  expect(existsSync(join(folder, "storage"))).toBe(true);
  expect(existsSync(join(folder, "exports"))).toBe(true);
  paths().makeOfContainer(join(folder, "logs"));
  expect(existsSync(join(folder, "logs/var/log/syslog"))).toBe(true);
});
