import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "tar-stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { start } from "../../control/control-server.fixture.ts";
import { stepClient } from "./step-client.ts";
import { openTransaction } from "./transaction.ts";

const SPEC = { "#spec": "pantavisor-service-system@1" };
const CONTENT = Buffer.from("content of an object");
const SHA = createHash("sha256").update(CONTENT).digest("hex");
const A = { "a/run.json": { name: "a" }, "a/root.squashfs": SHA };

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-commit-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function archive(fragment: object, ...objects: readonly Buffer[]): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "json" }, JSON.stringify(fragment));
  for (const object of objects) tar.entry({ name: `objects/${SHA}` }, object);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function exportFile(entries: object): Promise<string> {
  writeFileSync(at("export.tar"), await archive({ ...SPEC, ...entries }, CONTENT));
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
  expect(await transaction.commit(stepClient(path))).toMatch(/^locals\/pvtx-\d+-[0-9a-f]{8}-\d+$/);
});

it("a step that pv-ctrl refuses leaves the transaction as it was", async () => {
  const { path } = await start();
  const transaction = openTransaction(at("transaction"));
  transaction.begin({ ...SPEC, "a/root.squashfs": SHA });
  await expect(transaction.commit(stepClient(path), "locals/x")).rejects.toThrow(
    `422 {"Error":"Storage: a/root.squashfs: object ${SHA}`,
  );
  await expect(transaction.commit(stepClient(path), "nonsense")).rejects.toThrow("locals/");
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

it("a remote transaction need not bring the objects that the device has", async () => {
  const { path } = await start();
  const transaction = openTransaction(at("transaction"));
  transaction.begin("empty");
  await transaction.add(await exportFile(A));
  await transaction.commit(stepClient(path), "locals/first");

  transaction.begin("empty");
  writeFileSync(at("again.tar"), await archive({ ...SPEC, ...A }));
  await transaction.add(at("again.tar"));
  expect(await transaction.commit(stepClient(path), "locals/second")).toBe("locals/second");
});
