import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { none } from "../../shared/quirks/quirks.ts";
import { RoleUids } from "./role-uids.ts";

let folder: string;
let warnings: string[];
const file = () => join(folder, "config/dbus-role-uids.json");
const open = () => new RoleUids(file(), none, (line) => warnings.push(line));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "role-uids-"));
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("uids of roles", () => {
  it("begin at 90000 and stay over boots, whatever roles come first", () => {
    open().assign(["a", "__proto__"]);
    expect(readFileSync(file(), "utf8")).toBe('{"a":90000,"__proto__":90001}');
    const next = open();
    next.assign(["b", "a"]);
    expect(readFileSync(file(), "utf8")).toBe('{"a":90000,"__proto__":90001,"b":90002}');
    expect([next.of("b"), next.of("c"), next.of(undefined)]).toEqual([90_002, 65_534, 65_534]);
    expect(warnings).toEqual([]);
  });

  it.each([
    "",
    "[]",
    "null",
    '{"a":0}',
    '{"a":"90000"}',
    '{"a":90000.5}',
    '{"a":4294967295}',
    '{"a/b":90000}',
    '{"a":90000,"b":90000}',
  ])("are given anew, with a warning, where the file has %j", (text) => {
    mkdirSync(dirname(file()));
    writeFileSync(file(), text);
    const uids = open();
    expect(warnings).toHaveLength(1);
    uids.assign(["a"]);
    expect(readFileSync(file(), "utf8")).toBe('{"a":90000}');
  });

  it("hold until the next boot when they cannot be kept", () => {
    writeFileSync(dirname(file()), "no folder");
    const uids = new RoleUids(file(), none, () => undefined);
    expect(() => uids.assign(["a"])).toThrow();
    expect(uids.of("a")).toBe(90_000);
  });
});
