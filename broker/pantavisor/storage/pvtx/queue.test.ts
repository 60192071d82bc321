import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { adoptQueue, newQueue, openQueue } from "./queue.ts";
import { emptyState } from "./state-merge.ts";

const SPEC = { "#spec": "pantavisor-service-system@1" };
const A = { "a/run.json": { name: "a" } };
const B = { "b/run.json": { name: "b" } };

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
const open = () => openQueue(at("transaction"));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-queue-"));
  newQueue(at("transaction"), at("queue"), at("objects"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function fragment(name: string, entries: object): string {
  writeFileSync(at(name), JSON.stringify({ ...SPEC, ...entries }));
  return at(name);
}

it("what is queued is applied in order", async () => {
  await open().unpack(fragment("ab.json", { ...A, ...B }));
  open().remove("a");
  await open().unpack(fragment("c.json", { "c/run.json": { name: "c" } }));
  expect(readdirSync(at("queue"))).toEqual(["000__ab.json", "001__a.remove", "002__c.json"]);
  expect(await open().apply(emptyState)).toEqual({ ...SPEC, ...B, "c/run.json": { name: "c" } });
});

it("the order holds beyond three digits", async () => {
  mkdirSync(at("queue/999__ab"));
  writeFileSync(at("queue/999__ab/json"), JSON.stringify({ ...A, ...B }));
  adoptQueue(at("transaction"), at("queue"), at("objects"));
  open().remove("a");
  open().remove("b");
  expect(readdirSync(at("queue")).sort()).toEqual(["1000__a.remove", "1001__b.remove", "999__ab"]);
  expect(await open().apply(emptyState)).toEqual(SPEC);
});

it("a bad export is not queued, and a queue has to be made first", async () => {
  writeFileSync(at("bad"), "not a tar ".repeat(200));
  await expect(open().unpack(at("bad"))).rejects.toThrow();
  expect(readdirSync(at("queue"))).toEqual([]);
  expect(() => openQueue(at("other"))).toThrow("make a new one first");
  rmSync(at("queue"), { recursive: true });
  expect(open).toThrow("make a new one first");
});

it("a new queue does not take what lies in a folder for its own", () => {
  writeFileSync(at("queue/000__a.remove"), "");
  expect(() => newQueue(at("transaction"), at("queue"), at("objects"))).toThrow("is not empty");
});

it("objects that another program put into the queue are taken when they are what they say", async () => {
  const content = Buffer.from("content");
  const sha256 = createHash("sha256").update(content).digest("hex");
  mkdirSync(at("queue/000__x/objects"), { recursive: true });
  writeFileSync(at("queue/000__x/json"), JSON.stringify({ "x/file": sha256 }));
  writeFileSync(at("queue/000__x/objects", sha256), content);
  expect(await open().apply(emptyState)).toEqual({ ...SPEC, "x/file": sha256 });
  expect(readFileSync(at("objects", sha256))).toEqual(content);

  writeFileSync(at("queue/000__x/objects", "c".repeat(64)), content);
  await expect(open().apply(emptyState)).rejects.toThrow("has the content of");
  rmSync(at("queue/000__x/objects", "c".repeat(64)));
  writeFileSync(at("queue/000__x/objects/evil"), content);
  await expect(open().apply(emptyState)).rejects.toThrow("is not the sha256 of an object");
});
