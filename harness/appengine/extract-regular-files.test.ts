import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { pack } from "tar-stream";
import type { Header } from "tar-stream";
import { expect, test } from "vitest";
import { ExtractedFiles } from "./extract-regular-files.ts";

type Member = readonly [header: Partial<Header> & { name: string }, content?: string | Buffer];

function archive(...members: readonly Member[]): AsyncIterable<Uint8Array> {
  const tar = pack();
  for (const [header, content = ""] of members) tar.entry(header, content);
  tar.finalize();
  return tar as unknown as AsyncIterable<Uint8Array>;
}

async function extracted(
  members: readonly Member[],
  limits?: ConstructorParameters<typeof ExtractedFiles>[1],
) {
  const outer = mkdtempSync(join(tmpdir(), "pvh-extract-"));
  const folder = join(outer, "evidence");
  const files = new ExtractedFiles(folder, limits);
  await files.take(archive(...members));
  const found = (): string[] =>
    readdirSync(outer, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort();
  const text = (path: string): string => readFileSync(join(folder, path), "utf8");
  return { outer, folder, files, found, text };
}

test("regular files arrive; links, devices and FIFOs are told and not made", async () => {
  const { files, found, text } = await extracted([
    [{ name: "logs/0/pantavisor.log" }, "line\n"],
    [{ name: "logs/link", type: "symlink", linkname: "/etc/passwd" }],
    [{ name: "logs/hard", type: "link", linkname: "/etc/passwd" }],
    [{ name: "logs/fifo", type: "fifo" }],
    [{ name: "logs/zero", type: "character-device", devmajor: 1, devminor: 5 }],
  ]);
  expect(found()).toEqual(["logs/0/pantavisor.log"]);
  expect(text("logs/0/pantavisor.log")).toBe("line\n");
  expect(files.leftOut.summary()).toBe(
    "left out: 1 (a symlink, no file), 1 (a link, no file), 1 (a fifo, no file), 1 (a character-device, no file)",
  );
});

test("hostile names are kept below the folder under harmless ones, and the index tells which", async () => {
  const names = [
    "../escaped",
    "logs/../../escaped",
    "/escaped",
    "logs/\u001b]0;title\u0007\u001b[2J",
    "logs/a\n]]>\"'<x>.log",
    "logs/a__]>\"'<x>.log",
    "logs/-rf",
    "logs/.hidden",
    "logs/con.",
    `logs/${"x".repeat(255)}`,
    "logs/Case",
    "logs/case",
    "logs/\ufffd",
    "logs/\u202egpj.exe",
    "logs/file",
    "logs/file/below",
  ];
  const { files, outer, found, text } = await extracted(
    names.map((name): Member => [{ name }, name]),
  );
  expect(readdirSync(outer)).toEqual(["evidence"]);
  expect(found()).toHaveLength(names.length);
  for (const path of found()) expect(path).toMatch(/^(?:[\w@+=~][\w.@+=~-]{0,103}\/?)+$/);
  // Each file is there with its own content, which was its name.
  expect(found().map(text).sort()).toEqual(names.toSorted());
  const index = files.index().join("\n");
  expect(index).toMatch(/^[\n -~]*$/);
  expect(index).toContain(String.raw`was "logs/a\n]]>\"'<x>.log"`);
  expect(index).toContain(String.raw`was "logs/\u001b]0;title\u0007\u001b[2J"`);
});

test("what goes beyond the limits is counted, whole files and their ends", async () => {
  const many = Array.from({ length: 30 }, (_, n): Member => [{ name: `n${n}` }, "12345678"]);
  const { files, found } = await extracted([[{ name: "huge" }, "x".repeat(100)], ...many], {
    files: 12,
    file: 50,
    bytes: 90,
  });
  expect(found()).toHaveLength(6);
  expect(files.leftOut.summary()).toBe(
    "left out: 1 (the rest of a large file, 50 bytes), 25 (beyond 90 bytes, 200 bytes)",
  );
  const { files: few } = await extracted(many, { files: 12, file: 50, bytes: 1_000 });
  expect(few.count).toBe(12);
  expect(few.leftOut.summary()).toBe("left out: 18 (beyond 12 files, 144 bytes)");
  expect(few.index().at(-1)).toContain('"n12"');
});

test("twenty thousand files are kept up to the limit, and every other one is counted", async () => {
  const many = Array.from({ length: 20_000 }, (_, n): Member => [{ name: `logs/${n}` }, "x"]);
  const { files, found, outer } = await extracted(many);
  expect(found()).toHaveLength(2_000);
  expect(files.leftOut.summary()).toBe("left out: 18000 (beyond 2000 files, 18000 bytes)");
  rmSync(outer, { recursive: true });
}, 60_000);

test("a file that an earlier archive brought is taken once", async () => {
  const { files, found } = await extracted([[{ name: "logs/0/pantavisor.log" }, "first"]]);
  await files.take(archive([{ name: "pantavisor.log" }, "second"]), "logs/0/");
  expect(found()).toEqual(["logs/0/pantavisor.log"]);
  expect(files.leftOut.summary()).toBe("left out: nothing");
});

test("an archive that breaks off is an error, and what came before it is kept", async () => {
  const whole = await buffer(Readable.from(archive([{ name: "a" }, "x"], [{ name: "b" }, "y"])));
  const bytes = whole.subarray(0, 1_024 + 600);
  const outer = mkdtempSync(join(tmpdir(), "pvh-extract-"));
  const files = new ExtractedFiles(outer);
  await expect(files.take(Readable.from([bytes]))).rejects.toThrow();
  expect(readdirSync(outer)).toContain("a");
});

test("whatever the names are, every file is inside, once, and has its content", async () => {
  const part = fc.oneof(
    fc.constantFrom("..", ".", "a", "A", "~", "\n", "a~2", "", "\u001b[0m", "lpt1."),
    fc.string({ unit: "binary", maxLength: 12 }),
  );
  const name = fc
    .array(part, { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join("/").replaceAll("\0", "0"))
    // tar-stream takes a name that ends so for a folder's.
    .filter((text) => !text.endsWith("/") && text.replaceAll(/[./]/g, "") !== "");
  const runs = Number(process.env["PVH_PROPERTY_RUNS"] ?? 10_000) / 50;
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { maxLength: 12 }), async (names) => {
      const { outer, found, folder } = await extracted(
        names.map((one, at): Member => [{ name: one }, `${at}`]),
      );
      const paths = found();
      for (const path of paths) {
        expect(path).toMatch(/^[\w@+=~.-][\w.@+=~/-]*$/);
        expect(realpathSync(join(folder, path)).startsWith(`${realpathSync(folder)}/`)).toBe(true);
      }
      const contents = paths.map((path) => readFileSync(join(folder, path), "utf8"));
      expect(new Set(contents).size).toBe(contents.length);
      rmSync(outer, { recursive: true });
      return paths.length === names.length || new Set(names.map(normal)).size < names.length;
    }),
    { numRuns: Math.max(20, Math.round(runs)) },
  );
}, 120_000);

/** Name as tar-stream reads it: names that are equal then are one file. */
function normal(name: string): string {
  return Buffer.from(name).toString("utf8");
}
