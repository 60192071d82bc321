import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../formats/property-runs.fixture.ts";
import { DIALECTS } from "./dialects.fixture.ts";
import { ExportError } from "./export-error.ts";
import { EXPORT_LIMITS } from "./limits.ts";
import type { ExportLimits } from "./limits.ts";
import type { PvrExport } from "./read-pvrexport.ts";
import { readPvrExport } from "./read-pvrexport.ts";
import * as bytes from "./tar-bytes.fixture.ts";
import { CONTENT, FRAGMENT, JSON_FILE, OBJECT_FILE, SHA256, tar } from "./tar-bytes.fixture.ts";

describe("each dialect of tar is read whole, or refused by name", () => {
  it.each(DIALECTS.map(({ name, ...rest }) => [name, rest] as const))(
    "%s",
    async (_name, { archive, expected }) => {
      if (expected === "read") expectWhole(await read(archive));
      else await expect(read(archive)).rejects.toThrow(expected);
    },
  );

  it("whatever the chunks are that it comes in", async () => {
    const size = fc.integer({ min: 1, max: 2000 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...DIALECTS), size, async ({ archive, expected }, step) => {
        const reading = read(archive, {}, step);
        if (expected === "read") expectWhole(await reading);
        else await expect(reading).rejects.toThrow(expected);
      }),
      { numRuns: Math.ceil(PROPERTY_RUNS / 10) },
    );
  });
});

describe("what an archiver of this machine makes is read", () => {
  it.each([
    ["tar", "--format=ustar"],
    ["tar", "--format=gnu"],
    ["tar", "--format=oldgnu"],
    ["tar", "--format=pax"],
    ["tar", "--format=posix", "--xattrs"],
    ["bsdtar", "--format=ustar"],
    ["bsdtar", "--format=pax"],
    ["bsdtar", "--format=gnutar"],
    ["busybox", "tar"],
  ])("%s %s", async (program, ...args) => {
    if (!bytes.isThere(program)) return;
    using folder = bytes.exportFolder();
    for (const members of [["json", "objects"], ["."], ["./objects", "./json"]]) {
      expectWhole(await read(bytes.made(folder.path, program, ...args, "-cf", "-", ...members)));
    }
  });

  it.each(["gzip", "xz", "bzip2", "zstd"])(
    "compressed by %s, but not when it is cut",
    async (program) => {
      if (!bytes.isThere(program)) return;
      using folder = bytes.exportFolder();
      const command = `tar -cf - json objects | ${program} -c`;
      const archive = bytes.made(folder.path, "sh", "-c", command);
      expectWhole(await read(archive));
      await expect(read(archive.subarray(0, -9))).rejects.toThrow(`is damaged (${program}): `);
      await expect(read(archive.subarray(0, 8))).rejects.toThrow(`is damaged (${program}): `);
    },
  );

  it.each(["xz", "bzip2"])("%s in two streams is read to the end", async (program) => {
    if (!bytes.isThere(program)) return;
    using folder = bytes.exportFolder();
    const command = `tar -cf t json objects; head -c 1500 t | ${program} -c; tail -c +1501 t | ${program} -c`;
    expectWhole(await read(bytes.made(folder.path, "sh", "-c", command)));
  });
});

it("a compression whose program is not there is named", async () => {
  const { PATH } = process.env;
  process.env["PATH"] = "/nowhere";
  try {
    const archive = Buffer.from("fd377a585a000004e6d6b446", "hex");
    await expect(read(archive)).rejects.toThrow(
      "is compressed with xz, and there is no program xz",
    );
  } finally {
    process.env["PATH"] = PATH;
  }
});

it("bare JSON is a fragment without objects, with or without a byte order mark", async () => {
  for (const text of [FRAGMENT, `\uFEFF${FRAGMENT}`, ` \n${FRAGMENT}`, "{}"]) {
    const { fragment, objects } = await read(Buffer.from(text));
    expect(fragment).toEqual(JSON.parse(text.replace("\uFEFF", "")));
    expect(objects.size).toBe(0);
  }
});

describe("a fragment is refused that", () => {
  const json = (text: string | Buffer) => tar(bytes.file("json", text));
  it.each<readonly [string, Buffer, RegExp]>([
    ["is not JSON", json("{]"), /^member "json" is not JSON/],
    [
      "quotes what would steer a terminal",
      json('{"a":\u001b[2J'),
      /^member "json" is not JSON[ a-z\d]*$/,
    ],
    ["is not UTF-8", json(Buffer.from('{"a":"\xff"}', "latin1")), /is not JSON/],
    ["is no object", json("[]"), /is not an object/],
    [
      "holds a key twice",
      json('{"a/b.json":{"x":1,"x":2}}'),
      /refused: a\/b\.json\.x: comes twice, at/,
    ],
    ["has a key that leads out", json('{"../x.json":{}}'), /\.\.\/x\.json: is not a relative path/],
    ["has a key of the revision's own", json('{".pvr/json":{}}'), /keeps its own files/],
    [
      "has a file where it has a folder",
      json('{"a.json":{},"a.json/b.json":{}}'),
      /a\.json is a file/,
    ],
    ["has a value that is neither", json('{"a/b":1}'), /a\/b: /],
  ])("%s", async (_what, archive, reason) => {
    await expect(read(archive)).rejects.toThrow(reason);
  });
});

describe("limits", () => {
  const whole = tar(JSON_FILE, OBJECT_FILE);
  it.each<readonly [string, Partial<ExportLimits>, RegExp]>([
    ["bytes of json", { json: 10 }, /^member "json" is larger than 10 bytes/],
    ["bytes of an object", { object: 3 }, /is larger than 3 bytes/],
    ["bytes of all", { total: 100 }, /holds more than 100 bytes/],
    ["number of members", { members: 1 }, /holds more than 1 members/],
    ["bytes of a name", { name: 10 }, /has a name of 72 bytes/],
    ["bytes of all names", { names: 70 }, /holds names of more than 70 bytes/],
  ])("%s", async (_what, limit, reason) => {
    for (const archive of [whole, gzipSync(whole), zstdCompressSync(whole)]) {
      await expect(read(archive, { limits: { ...EXPORT_LIMITS, ...limit } })).rejects.toThrow(
        reason,
      );
    }
  });

  it("bytes of an extended header", async () => {
    const limits = { ...EXPORT_LIMITS, header: 100 };
    const archive = tar(bytes.pax("x", ["comment", "x".repeat(200)]), JSON_FILE, OBJECT_FILE);
    await expect(read(archive, { limits })).rejects.toThrow(
      "extended header of more than 100 bytes",
    );
  });

  it("seconds, of a source that says no more", async () => {
    const source = new Readable({ read: () => undefined });
    source.push(JSON_FILE);
    const limits = { ...EXPORT_LIMITS, seconds: 0.05 };
    await expect(readPvrExport(source, { limits })).rejects.toThrow("not read within 0.05 seconds");
  });

  it("a bomb of any compression that is known is given up at the limit", async () => {
    const zeros = tar(bytes.file("bomb", Buffer.alloc(1 << 25)), JSON_FILE, OBJECT_FILE);
    const limits = { ...EXPORT_LIMITS, total: 1 << 22 };
    for (const bomb of [gzipSync(zeros), zstdCompressSync(zeros)]) {
      await expect(read(bomb, { limits })).rejects.toThrow("holds more than 4194304 bytes");
    }
  });
});

it.each(["tar", "gzip", "zstd", "xz"])("a signal ends the reading of %s at once", async (kind) => {
  const first = { tar: JSON_FILE, gzip: gzipSync(JSON_FILE), zstd: zstdCompressSync(JSON_FILE) };
  const head =
    kind === "xz" ? Buffer.from("fd377a585a000004e6d6b446", "hex") : first[kind as "tar"];
  const source = new Readable({ read: () => undefined });
  source.push(head);
  const controller = new AbortController();
  const reading = readPvrExport(source, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("stop")), 20);
  await expect(reading).rejects.toThrow("stop");
  expect(source.destroyed).toBe(true);
});

it("objects go to the store as they come, and are checked without one", async () => {
  const stored: string[] = [];
  const store = async (sha256: string, size: number, content: AsyncIterable<Uint8Array>) => {
    const hash = createHash("sha256");
    for await (const chunk of content) hash.update(chunk);
    stored.push(`${sha256} ${size} ${hash.digest("hex")}`);
  };
  await read(tar(OBJECT_FILE, JSON_FILE), { store });
  expect(stored).toEqual([`${SHA256} ${CONTENT.length} ${SHA256}`]);
  const other = tar(JSON_FILE, bytes.file(bytes.OBJECT, "something else"));
  await expect(read(other)).rejects.toThrow(/^member "objects\/[0-9a-f]{64}" has the content of /);
});

it("says what other readers may not read", async () => {
  const archive = tar(bytes.file("./json", FRAGMENT), OBJECT_FILE);
  const { oddities } = await read(zstdCompressSync(archive.subarray(0, -1024)));
  expect([...oddities]).toEqual([
    ["compression", "zstd"],
    ["dot-slash", "json"],
    ["no-end", bytes.OBJECT],
  ]);
});

describe("whatever the bytes are, reading ends with an export or an ExportError", () => {
  it("random ones", async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), endsWell), {
      numRuns: Math.ceil(PROPERTY_RUNS / 10),
    });
  });

  it("an archive with some bytes changed and its sums made right again", async () => {
    const dialect = fc.constantFrom(...DIALECTS.filter(({ archive }) => archive.length > 1500));
    const changes = fc.array(fc.tuple(fc.nat({ max: 4000 }), fc.nat({ max: 255 })), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(dialect, changes, async ({ archive }, list) => {
        const mutant = Buffer.from(archive);
        for (const [at, byte] of list) mutant[at % mutant.length] = byte;
        for (let at = 0; at + 512 <= mutant.length; at += 512) sumUp(mutant.subarray(at, at + 512));
        await endsWell(mutant);
      }),
      { numRuns: Math.ceil(PROPERTY_RUNS / 10) },
    );
  });

  async function endsWell(archive: Uint8Array): Promise<void> {
    try {
      const { fragment, objects } = await read(Buffer.from(archive));
      expect(fragment).toBeTypeOf("object");
      for (const sha256 of objects.keys()) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    } catch (error) {
      expect(error).toBeInstanceOf(ExportError);
      expect((error as Error).message).not.toMatch(/\p{Cc}/u);
    }
  }
});

function expectWhole({ fragment, objects }: PvrExport): void {
  expect(JSON.stringify(fragment)).toBe(FRAGMENT);
  for (const [sha256, size] of objects) expect([sha256, size]).toEqual([SHA256, CONTENT.length]);
}

function read(
  archive: Buffer,
  options: Parameters<typeof readPvrExport>[1] = {},
  step = archive.length,
): Promise<PvrExport> {
  const chunks = [];
  for (let at = 0; at < archive.length; at += step) chunks.push(archive.subarray(at, at + step));
  return readPvrExport(Readable.from(chunks, { objectMode: false }), options);
}

function sumUp(block: Buffer): void {
  if (block.subarray(257, 262).toString() !== "ustar") return;
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}
