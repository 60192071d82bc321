import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import type { Header } from "tar-stream";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { EXPORT_LIMITS } from "../../broker/shared/pvrexport/limits.ts";
import { readExport } from "./read-export.ts";
import { sha256Of } from "./write-export.ts";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvh-read-export-"));
  path = join(folder, "x.pvrexport.tgz");
});
afterEach(async () => {
  // Reading any export leaves no other file in the folder.
  expect((await readdir(folder)).filter((name) => name !== "x.pvrexport.tgz")).toEqual([]);
});
afterAll(() => rm(folder, { recursive: true }));

type Member = [headers: Partial<Header> & { name: string }, content?: string | Buffer];

const CONTENT = "an object";
const SHA256 = sha256Of(CONTENT);
const JSON_MEMBER: Member = [
  { name: "json" },
  JSON.stringify({ "#spec": "pantavisor-service-system@1", "a/x": SHA256, "a/run.json": {} }),
];
const OBJECT: Member = [{ name: `objects/${SHA256}` }, CONTENT];

describe("a good export", () => {
  test.each([
    ["gzipped", gzipSync],
    ["plain", (tar: Buffer) => tar],
  ])("is read when it is %s", async (_how, encode) => {
    await writeFile(path, encode(await tarOf([JSON_MEMBER, OBJECT])));
    const { fragment, objects, ignored } = await readExport(path);
    expect(Object.keys(fragment)).toEqual(["#spec", "a/x", "a/run.json"]);
    expect(objects).toEqual(new Map([[SHA256, CONTENT.length]]));
    expect(ignored).toEqual([]);
  });

  test("may have json last, directories, other members and harmless extended headers", async () => {
    const directory: Member = [{ name: "objects/", type: "directory" }];
    const dated: Member = [{ ...OBJECT[0], pax: { mtime: "1.5" } }, CONTENT];
    await writeFile(path, await tarOf([directory, dated, [{ name: "README" }, "hi"], JSON_MEMBER]));
    const { objects, ignored } = await readExport(path);
    expect([...objects.keys()]).toEqual([SHA256]);
    expect(ignored).toEqual(["README"]);
  });
});

describe("a bad export is refused with its name and the reason", () => {
  const renamed = { name: "json" };
  test.each<[what: string, reason: RegExp, members: Member[]]>([
    ["no json", /no member named json/, [OBJECT]],
    ["an absolute path", /absolute path/, [JSON_MEMBER, [{ name: "/etc/passwd" }, ""]]],
    ["a path leading out", /leaves the archive/, [JSON_MEMBER, [{ name: "objects/../../x" }, ""]]],
    ["an empty path segment", /no usable name/, [JSON_MEMBER, [{ name: "a//b" }, ""]]],
    ["a symlink", /is a symlink/, [[{ name: "json", type: "symlink", linkname: "/x" }]]],
    ["a hard link", /is a hard link/, [[{ name: "json", type: "link", linkname: "/x" }]]],
    ["a device", /is a character device/, [[{ name: "json", type: "character-device" }]]],
    ["a fifo", /is a fifo/, [[{ name: "json", type: "fifo" }]]],
    ["two json", /comes twice/, [JSON_MEMBER, JSON_MEMBER]],
    ["two of one object", /comes twice/, [JSON_MEMBER, OBJECT, OBJECT]],
    ["a name like json", /could be taken for json/, [JSON_MEMBER, [{ name: "json2" }, "{}"]]],
    ["a strange object", /not named by a sha256/, [JSON_MEMBER, [{ name: "objects/abc" }, "x"]]],
    ["another content", /has the content of/, [JSON_MEMBER, [{ name: `objects/${SHA256}` }, "y"]]],
    ["a renaming header", /absolute path/, [[{ ...renamed, pax: { path: "/etc/x" } }, ""]]],
    ["a resizing header", /says a size of/, [[{ ...renamed, pax: { size: "-1" } }, "{}"]]],
    ["not JSON", /not JSON/, [[{ name: "json" }, "{"]]],
    ["not UTF-8", /not JSON/, [[{ name: "json" }, Buffer.from([0x22, 0xff, 0x22])]]],
    ["an array", /not an object/, [[{ name: "json" }, "[]"]]],
    ["a number", /expected string/, [[{ name: "json" }, '{"#spec":"s","a/x":1}']]],
    [
      "a key leading out",
      /not a relative path/,
      [[{ name: "json" }, '{"#spec":"s","../x/run.json":{}}']],
    ],
    [
      "an absolute key",
      /not a relative path/,
      [[{ name: "json" }, '{"#spec":"s","/run.json":{}}']],
    ],
  ])("%s", async (_what, reason, members) => {
    await writeFile(path, gzipSync(await tarOf(members)));
    await expect(readExport(path)).rejects.toThrow(reason);
    await expect(readExport(path)).rejects.toMatchObject({
      code: "PVH_BAD_EXPORT",
      class: "usage",
    });
    await expect(readExport(path)).rejects.toThrow(path);
  });

  test("the message names the member and quotes no control character of the file", async () => {
    await writeFile(path, await tarOf([[{ name: "json" }, "\u001b[2J"]]));
    const error = await readExport(path).catch((reason: unknown) => reason);
    expect(error).toHaveProperty("message", `${path}: member "json" is not JSON`);
  });

  test.each([
    ["empty", Buffer.alloc(0), /is empty/],
    ["text", Buffer.from("state ".repeat(200)), /not a tar archive/],
    ["gzipped text", gzipSync("state ".repeat(200)), /not a tar archive/],
    ["broken gzip", Buffer.from("1f8b08ffffffff", "hex"), /./],
  ])("a file that is %s", async (_what, bytes, reason) => {
    await writeFile(path, bytes);
    await expect(readExport(path)).rejects.toThrow(reason);
    await expect(readExport(path)).rejects.toMatchObject({ code: "PVH_BAD_EXPORT" });
  });

  test("one with more after its end", async () => {
    await writeFile(path, Buffer.concat([await tarOf([JSON_MEMBER]), Buffer.from("x")]));
    await expect(readExport(path)).rejects.toThrow(/more after the end/);
  });

  test("a truncated one, wherever it was cut, plain or gzipped", { timeout: 30_000 }, async () => {
    const tar = await tarOf([JSON_MEMBER, OBJECT]);
    for (const whole of [tar.subarray(0, -1024), gzipSync(tar)]) {
      for (let length = 0; length < whole.length; length += 101) {
        await writeFile(path, whole.subarray(0, length));
        await expect(readExport(path)).rejects.toMatchObject({ code: "PVH_BAD_EXPORT" });
      }
    }
  });

  test.each([
    ["json", { json: 10 }],
    ["an object", { object: 3 }],
    ["all of it", { total: 100 }],
    ["the number of members", { members: 1 }],
  ])("%s beyond the limit", async (_what, limit) => {
    await writeFile(path, gzipSync(await tarOf([JSON_MEMBER, OBJECT])));
    const limits = { ...EXPORT_LIMITS, ...limit };
    await expect(readExport(path, { limits })).rejects.toMatchObject({ code: "PVH_BAD_EXPORT" });
  });

  test("a folder and a file that is not there", async () => {
    await expect(readExport(folder)).rejects.toThrow(/not a regular file/);
    await expect(readExport(join(folder, "none"))).rejects.toThrow(/ENOENT/);
  });
});

test("reading stops when it is cancelled", async () => {
  await writeFile(path, await tarOf([JSON_MEMBER, OBJECT]));
  const signal = AbortSignal.abort();
  await expect(readExport(path, { signal })).rejects.toMatchObject({ code: "PVH_ABORTED" });
});

async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const [headers, content] of members) {
    tar.entry({ mtime: new Date(0), ...headers }, content ?? "");
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
