import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pvtxCommand } from "./command.ts";

let folder: string;
let said: string;
const at = (...path: string[]) => join(folder, ...path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-command-"));
  said = "";
});
afterEach(() => rmSync(folder, { recursive: true }));

function pvtx(line: string): Promise<number> {
  return pvtxCommand(line.split(" ").filter(Boolean), {
    environment: { PVTXDIR: at("pvtx"), PVCONTROL_SOCKET: at("none") },
    print: (text) => (said += text),
    printError: (text) => (said += text),
  });
}

describe("without a transaction", () => {
  it.each([
    ["add x", 1, "begin one first"],
    ["remove x", 3, "begin one first"],
    ["show", 11, "begin one first"],
    ["commit", 11, "begin one first"],
    ["deploy x", 11, "begin one first"],
    ["abort", 0, ""],
    ["queue remove x", 1, "make a new one first"],
    ["queue unpack x", 1, "make a new one first"],
    ["queue process", 255, "make a new one first"],
    ["begin", 255, "ENOENT"],
    ["begin /no/such/file", 255, "no state at /no/such/file"],
    ["help", 0, "usage: pvtx begin"],
    ["--help", 0, "usage: pvtx begin"],
  ])("%s ends with %i", async (line, code, words) => {
    expect([line, await pvtx(line)]).toEqual([line, code]);
    expect(said).toContain(words);
  });
});

it.each([
  ["", 255],
  ["nonsense", 255],
  ["queue", 255],
  ["queue nonsense", 255],
  ["add", 255],
  ["remove", 4],
  ["deploy", 1],
  ["queue new", 1],
  ["queue new x", 1],
  ["queue remove", 1],
  ["queue unpack", 1],
  ["begin a b c", 255],
])("%j is answered with how pvtx is used, and %i", async (line, code) => {
  expect(await pvtx(line)).toBe(code);
  expect(said).toMatch(/^usage: pvtx/);
});

describe("begin", () => {
  it.each(["json", ".pvr/json"])("takes a folder with %s", async (place) => {
    mkdirSync(at("base/.pvr"), { recursive: true });
    writeFileSync(at("base", place), '{"#spec":"pantavisor-service-system@1","a/x.json":{}}');
    expect(await pvtx(`begin ${at("base")}`)).toBe(0);
    expect(await pvtx("show")).toBe(0);
    expect(said).toContain("a/x.json");
  });

  it.each([
    ["nothing", "", "is not JSON"],
    ["half of it", '{"a', "is not JSON"],
    ["bytes that are no text", Buffer.from([0x7b, 0xff]), "is not JSON"],
    ["a list", "[]", "is not a JSON object"],
    ["brackets without end", "[".repeat(1e6), "nested deeper"],
    ["more than anybody writes", Buffer.alloc(17 * 1024 * 1024, 32), "is larger than"],
  ])("refuses a file with %s", async (_, content, reason) => {
    writeFileSync(at("base"), content);
    expect(await pvtx(`begin ${at("base")}`)).toBe(255);
    expect(said).toContain(reason);
    expect(await pvtx("show")).toBe(11);
  });

  it("refuses what is not a file, and an empty folder", async () => {
    expect(await pvtx("begin /dev/zero")).toBe(255);
    expect(said).toContain("/dev/zero is not a file");
    expect(await pvtx(`begin ${folder}`)).toBe(255);
    expect(said).toContain("neither a revision's folder nor a file of JSON");
  });

  it("refuses a second one, and a queue beside it", async () => {
    expect(await pvtx("begin empty")).toBe(0);
    expect(await pvtx("begin empty")).toBe(255);
    expect(await pvtx(`queue new ${at("queue")} ${at("objects")}`)).toBe(12);
    expect(await pvtx(`queue process empty ${at("queue")} ${at("objects")}`)).toBe(12);
    expect(await pvtx("deploy x")).toBe(255);
    expect(await pvtx("commit nonsense")).toBe(255);
    expect(said).toContain("has to begin with locals/");
  });
});

it("a status file that is damaged is told, and abort gets rid of it", async () => {
  mkdirSync(at("pvtx"));
  writeFileSync(at("pvtx/.status"), "?");
  expect(await pvtx("show")).toBe(255);
  expect(said).toContain("status file of the transaction is damaged");
  expect(await pvtx("abort")).toBe(0);
  expect(await pvtx("begin empty")).toBe(0);
});
