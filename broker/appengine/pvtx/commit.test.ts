import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "tar-stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { start } from "../../control/control-server.fixture.ts";
import { newQueue, openQueue } from "./queue.ts";
import { emptyState } from "./state-merge.ts";
import { stepClient } from "./step-client.ts";
import { openTransaction } from "./transaction.ts";

const SPEC = { "#spec": "pantavisor-service-system@1" };
const CONTENT = Buffer.from("content of an object");
const SHA = createHash("sha256").update(CONTENT).digest("hex");
const A = { "a/run.json": { name: "a" }, "a/root.squashfs": SHA };
const B = { "b/run.json": { name: "b" } };

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-commit-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function exportFile(entries: object): Promise<string> {
  const archive = pack();
  archive.entry({ name: "json" }, JSON.stringify({ ...SPEC, ...entries }));
  archive.entry({ name: `objects/${SHA}` }, CONTENT);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  writeFileSync(at("export.tar"), Buffer.concat(chunks));
  return at("export.tar");
}

it("a remote transaction becomes a step, with its objects", async () => {
  const { path, storage } = await start();
  const transaction = openTransaction(at("transaction"));
  transaction.begin("empty");
  await transaction.add(await exportFile(A));
  expect(() => transaction.deploy(at("out"))).toThrow("is remote: commit it");
  const name = await transaction.commit(stepClient(path), "locals/mine");
  expect(name).toBe("locals/mine");
  expect(readFileSync(join(storage, "trails/locals/mine/a/root.squashfs"))).toEqual(CONTENT);
  expect(transaction.isOpen()).toBe(false);

  transaction.begin(join(storage, "trails/locals/mine"));
  transaction.remove("a");
  expect(await transaction.commit(stepClient(path))).toMatch(
    /^locals\/pvtx-\d+-[0-9a-f]{8}-[0-9a-f]{8}$/,
  );
});

it("a step that pv-ctrl refuses leaves the transaction as it was", async () => {
  const { path } = await start();
  const transaction = openTransaction(at("transaction"));
  transaction.begin({ ...SPEC, "a/root.squashfs": SHA });
  await expect(transaction.commit(stepClient(path), "locals/x")).rejects.toThrow(
    `422 {"Error":"Storage: a/root.squashfs: object ${SHA}`,
  );
  await expect(transaction.commit(stepClient(path), "nonsense")).rejects.toThrow("405");
  expect(transaction.isOpen()).toBe(true);
});

it("a local transaction is not committed; without pv-ctrl nothing is", async () => {
  const transaction = openTransaction(at("transaction"));
  transaction.begin("empty", at("objects"));
  await expect(transaction.commit(stepClient(at("none")))).rejects.toThrow("is local: deploy it");
  transaction.abort();
  transaction.begin("empty");
  await expect(transaction.commit(stepClient(at("none")))).rejects.toThrow("ENOENT");
});

it("what is queued is applied in order", async () => {
  newQueue(at("transaction"), at("queue"), at("objects"));
  const queue = () => openQueue(at("transaction"));
  await queue().unpack(await exportFile({ ...A, ...B }));
  queue().remove("a");
  writeFileSync(at("c.json"), JSON.stringify({ ...SPEC, "c/run.json": { name: "c" } }));
  await queue().unpack(at("c.json"));
  expect(readdirSync(at("queue"))).toEqual(["0001.unpack", "0002.remove", "0003.unpack"]);
  expect(queue().apply(emptyState)).toEqual({ ...SPEC, ...B, "c/run.json": { name: "c" } });
  expect(readFileSync(at("objects", SHA))).toEqual(CONTENT);
});

it("the order holds beyond four digits", () => {
  newQueue(at("transaction"), at("queue"), at("objects"));
  writeFileSync(at("queue", "9999.unpack"), JSON.stringify({ ...SPEC, ...A, ...B }));
  const queue = openQueue(at("transaction"));
  queue.remove("a");
  queue.remove("b");
  expect(readdirSync(at("queue")).sort()).toEqual(["10000.remove", "10001.remove", "9999.unpack"]);
  expect(queue.apply(emptyState)).toEqual(SPEC);
});

it("a bad export is not queued, and a queue has to be made first", async () => {
  expect(() => openQueue(at("transaction"))).toThrow("make a new one first");
  newQueue(at("transaction"), at("queue"), at("objects"));
  writeFileSync(at("bad"), "not a tar ".repeat(200));
  await expect(openQueue(at("transaction")).unpack(at("bad"))).rejects.toThrow();
  expect(readdirSync(at("queue"))).toEqual([]);
});
