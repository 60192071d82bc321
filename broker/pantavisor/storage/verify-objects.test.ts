import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { verifyObjects } from "./verify-objects.ts";

const ROOT = "a root file system";
const SHA = createHash("sha256").update(ROOT).digest("hex");
const STATE = {
  "#spec": "pantavisor-service-system@1",
  "a/root.squashfs": SHA,
  "a/run.json": { name: "a", b: [1] },
  "a/src.json": {},
  "bsp/pantavisor": "0".repeat(64),
  "_sigs/a.json": {},
};

let folder: string;
let good: Set<string>;
let lines: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-verify-"));
  mkdirSync(join(folder, "a"));
  put("a/root.squashfs", ROOT);
  put("a/run.json", '{ "name": "a", "b": [1] }');
  [good, lines] = [new Set(), []];
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
const verify = (state: Record<string, unknown> = STATE, skipped: string[] = []) =>
  verifyObjects(state, {
    revision: folder,
    objects: "/objects",
    good,
    skipped: new Set(skipped),
    debug: (line) => lines.push(line),
  });

it("each object and each document that is read has its line", async () => {
  expect(await verify()).toBeUndefined();
  expect(lines).toEqual([
    `validating checksum for /objects/${SHA} and ${folder}/a/root.squashfs`,
    `validating value for json ${folder}/a/run.json`,
    `skipping validation of object named bsp/pantavisor and id=${"0".repeat(64)}`,
  ]);
});

it.each<readonly [string, () => void, string]>([
  ["an object", () => put("a/root.squashfs", "else"), "a/root.squashfs has another checksum"],
  [
    "no object",
    () => rmSync(join(folder, "a/root.squashfs")),
    "a/root.squashfs cannot be read: ENOENT",
  ],
  ["a document", () => put("a/run.json", '{"name":"b"}'), "a/run.json has another value"],
  ["no JSON", () => put("a/run.json", "{"), "a/run.json has another value"],
])("%s that is not what the state says", async (_, damage, reason) => {
  damage();
  expect(await verify()).toBe(reason);
});

it("what was good is read again only when it has changed", async () => {
  expect(await verify()).toBeUndefined();
  put("a/root.squashfs", "A ROOT FILE SYSTEM");
  expect(await verify()).toBe("a/root.squashfs has another checksum");
  const path = join(folder, "a/root.squashfs");
  put("a/root.squashfs", ROOT);
  utimesSync(path, 1, 1);
  expect(await verify()).toBeUndefined();
  put("a/root.squashfs", "A ROOT FILE SYSTEM");
  utimesSync(path, 1, 1);
  expect(await verify()).toBeUndefined();
});

it("what somebody else verifies is skipped", async () => {
  put("a/root.squashfs", "else");
  expect(await verify(STATE, ["a/root.squashfs"])).toBeUndefined();
});

it("other work goes on while an object is read", async () => {
  const bytes = Buffer.alloc(20 << 20);
  writeFileSync(join(folder, "a/root.squashfs"), bytes);
  const turns = vi.fn();
  const turn = setInterval(turns);
  try {
    const state = { "a/root.squashfs": createHash("sha256").update(bytes).digest("hex") };
    expect(await verify(state)).toBeUndefined();
  } finally {
    clearInterval(turn);
  }
  expect(turns.mock.calls.length).toBeGreaterThan(2);
});

it("an object that is changed while it is read is not taken for a good one", async () => {
  const wrong = await verifyObjects(STATE, {
    revision: folder,
    objects: "/objects",
    good,
    skipped: new Set(),
    debug: () => undefined,
    digest(path) {
      writeFileSync(path, "something else");
      return SHA;
    },
  });
  expect(wrong).toBe("a/root.squashfs was changed while it was read");
  expect(good).toEqual(new Set());
});
