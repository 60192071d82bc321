import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import type { Header } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Transaction } from "./transaction.ts";
import { openTransaction } from "./transaction.ts";

const SPEC = { "#spec": "pantavisor-service-system@1" };
const CONTENT = Buffer.from("content of an object");
const SHA = createHash("sha256").update(CONTENT).digest("hex");
const FRAGMENT = JSON.stringify({ ...SPEC, "a/run.json": { name: "a" }, "a/root.squashfs": SHA });

type Member = readonly [name: string | Partial<Header>, content?: string | Buffer];

let folder: string;
let transaction: Transaction;
const at = (...path: string[]) => join(folder, ...path);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-pvtx-"));
  transaction = openTransaction(at("transaction"));
  transaction.begin("empty", at("storage/objects"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function tar(...members: Member[]): Promise<Buffer> {
  const archive = pack();
  for (const [header, content = ""] of members) {
    archive.entry(
      typeof header === "string" ? { name: header } : { name: "x", ...header },
      content,
    );
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function add(bytes: Buffer | string): Promise<void> {
  writeFileSync(at("export"), bytes);
  return transaction.add(at("export"));
}

const good: Member[] = [
  ["json", FRAGMENT],
  [`objects/${SHA}`, CONTENT],
];

describe("an export is added", () => {
  it.each([
    ["a gzipped tar", async () => gzipSync(await tar(...good))],
    ["a stored gzip", async () => gzipSync(await tar(...good), { level: 0 })],
    ["a plain tar", () => tar(...good)],
    ["a tar with ./ names", () => tar(["./json", FRAGMENT], [`./objects/${SHA}`, CONTENT])],
    ["a tar with json last", () => tar([`objects/${SHA}`, CONTENT], ["json", FRAGMENT])],
    ["a tar with other members", () => tar(["README", "hello"], ...good)],
  ])("as %s", async (_, make) => {
    await add(await make());
    expect(transaction.show()).toEqual(JSON.parse(FRAGMENT));
    expect(readFileSync(at("storage/objects", SHA))).toEqual(CONTENT);
  });

  it("as the bare JSON of a fragment", async () => {
    await add(JSON.stringify({ ...SPEC, "groups.json": [] }));
    expect(transaction.show()).toEqual({ ...SPEC, "groups.json": [] });
  });

  it.each(["\n", " ", "\ufeff"])("as JSON that begins with %j", async (beginning) => {
    await add(`${beginning}${JSON.stringify({ ...SPEC, "groups.json": [] })}`);
    expect(transaction.show()).toEqual({ ...SPEC, "groups.json": [] });
  });

  it("beside another one that is added at the same time", async () => {
    const other = openTransaction(at("transaction"));
    writeFileSync(at("other"), JSON.stringify({ "b/x.json": {} }));
    await Promise.all([add(await tar(...good)), other.add(at("other"))]);
    expect(transaction.show()).toEqual({ ...JSON.parse(FRAGMENT), "b/x.json": {} });
  });

  it("but not to a transaction that was aborted meanwhile", async () => {
    const adding = add(await tar(...good));
    transaction.abort();
    await expect(adding).rejects.toThrow("no transaction");
    expect(transaction.isOpen()).toBe(false);
  });

  it("without writing an object again that is there", async () => {
    await add(await tar(...good));
    const { ino } = statSync(at("storage/objects", SHA));
    await add(await tar(...good));
    expect(statSync(at("storage/objects", SHA)).ino).toBe(ino);
  });

  it("without an object that an earlier one brought", async () => {
    await add(await tar(...good));
    await add(await tar(["json", FRAGMENT.replaceAll('"a', '"b')]));
    expect(Object.keys(transaction.show())).toContain("b/root.squashfs");
  });
});

describe("a bad export is refused, says why and leaves nothing", () => {
  const wrong = "a".repeat(64);
  it.each<readonly [string, () => Promise<Buffer> | Buffer]>([
    ["is empty", () => Buffer.alloc(0)],
    ["unexpected end of file", async () => gzipSync(await tar(...good)).subarray(0, -20)],
    ["a truncated header", async () => (await tar(...good)).subarray(0, 1100)],
    ["is not a tar archive", () => Buffer.from("not a tar ".repeat(200))],
    ["unknown compression method", () => Buffer.from([0x1f, 0x8b, 9, 9, 9, 9])],
    ["no member named json", () => tar([`objects/${SHA}`, CONTENT])],
    ["is not JSON", () => tar(["json", "{"])],
    ["is not JSON", () => tar(["json", Buffer.from('{"a":"\xff"}', "latin1")])],
    ["is not an object", () => tar(["json", "[]"])],
    ["a/x.json: comes twice", () => tar(["json", `{"a/x.json":{},"a/x.json":[]}`])],
    ["#spec: must be pantavisor-service-system@1", () => tar(["json", '{"#spec":"other@1"}'])],
    ["comes twice", () => tar(...good, ["json", FRAGMENT])],
    ["comes twice", () => tar(...good, [`./objects/${SHA}`, CONTENT])],
    ["has the content of", () => tar(["json", FRAGMENT], [`objects/${wrong}`, CONTENT])],
    ["is missing", () => tar(["json", FRAGMENT])],
    [
      "must be 64 hexadecimal digits",
      () => tar(["json", JSON.stringify({ ...SPEC, "a/b": "short" })]),
    ],
    ["is not named by a sha256", () => tar(["objects/evil", CONTENT], ...good)],
    ["leaves the archive", () => tar(["objects/../../evil", "x"], ...good)],
    ["has an absolute path", () => tar(["/evil", "x"], ...good)],
    ["is a symlink", () => tar([{ name: `objects/${SHA}`, type: "symlink", linkname: "/etc" }])],
    ["is a hard link", () => tar([{ name: `objects/${SHA}`, type: "link", linkname: "/etc/x" }])],
    ["is a character device", () => tar([{ name: "null", type: "character-device" }])],
    ["is larger than", async () => hugeHeader(await tar(...good))],
  ])("%s", async (reason, make) => {
    await expect(add(await make())).rejects.toThrow(new RegExp(reason, "i"));
    expect(transaction.show()).toEqual(SPEC);
    const left = readdirSync(at("storage/objects")).filter((name) => name !== SHA);
    expect(left).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(["export", "storage", "transaction"]);
  });
});

describe("deploy", () => {
  it("links nothing but objects, whatever a revision that it begins with says", () => {
    mkdirSync(at("base/.pvr"), { recursive: true });
    writeFileSync(at("secret"), "secret");
    writeFileSync(at("base/.pvr/json"), JSON.stringify({ ...SPEC, "a/x": "../../secret" }));
    transaction.abort();
    transaction.begin(at("base"), at("storage/objects"));
    expect(() => transaction.deploy(at("storage/0"))).toThrow("is not the sha256 of an object");
    expect(readdirSync(at("storage"))).toEqual(["objects"]);
  });

  it("writes the revision out: state, links to objects, documents", async () => {
    await add(await tar(...good));
    transaction.deploy(at("storage/0"));
    expect(JSON.parse(readFileSync(at("storage/0/.pvr/json"), "utf8"))).toEqual(
      JSON.parse(FRAGMENT),
    );
    expect(JSON.parse(readFileSync(at("storage/0/a/run.json"), "utf8"))).toEqual({ name: "a" });
    expect(statSync(at("storage/0/a/root.squashfs")).ino).toBe(
      statSync(at("storage/objects", SHA)).ino,
    );
    expect(() => transaction.show()).toThrow("no transaction");
  });

  it("replaces what was there", async () => {
    await add(await tar(...good));
    transaction.deploy(at("storage/0"));
    transaction.begin("empty", at("storage/objects"));
    transaction.deploy(at("storage/0"));
    expect(existsSync(at("storage/0/a"))).toBe(false);
    expect(readdirSync(at("storage")).sort()).toEqual(["0", "objects"]);
  });

  it.each(["../evil", "a//b", "/evil", ".pvr/json", "a/../../evil", "a/\ud800.json"])(
    "refuses the key %j",
    async (key) => {
      const state = { ...SPEC, [key]: {} };
      await expect(add(JSON.stringify(state))).rejects.toThrow("has a key that no state may have");
      transaction.abort();
      transaction.begin(state, at("storage/objects"));
      expect(() => transaction.deploy(at("storage/0"))).toThrow("not a path inside the revision");
      expect(existsSync(at("storage/0"))).toBe(false);
      expect(existsSync(at("evil"))).toBe(false);
    },
  );
});

it("begin takes a revision, but not while another transaction is under way", async () => {
  await add(await tar(...good));
  expect(() => transaction.begin("empty")).toThrow("under way");
  transaction.deploy(at("storage/0"));
  transaction.begin(at("storage/0"), at("storage/objects"));
  transaction.remove("a");
  expect(transaction.show()).toEqual(SPEC);
  transaction.abort();
  expect(() => transaction.show()).toThrow("no transaction");
});

/** The archive's object claims 2^50 bytes: size in base 256 at 124, checksum at 148 (tar(5)). */
function hugeHeader(archive: Buffer): Buffer {
  const offset = 1024;
  archive.fill(0, offset + 124, offset + 136);
  archive.writeUInt8(0x80, offset + 124);
  archive.writeBigUInt64BE(2n ** 50n, offset + 128);
  archive.write("        ", offset + 148);
  const sum = archive.subarray(offset, offset + 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, "0")}\0 `, offset + 148);
  return archive;
}
