import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import { expect, test } from "vitest";
import { dockerArchive } from "./docker-archive.ts";
import type { LayerFile } from "./layer.ts";
import { writeLayer } from "./layer.ts";

const files: LayerFile[] = [
  { path: "usr/bin/tool", executable: true, content: Buffer.from("#!/bin/sh\n") },
  { path: "tmp/b", content: Buffer.from("b") },
  { path: "usr/lib/link", content: { link: "../bin/tool" } },
];

async function layerOf(list: readonly LayerFile[]): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  try {
    await writeLayer(join(folder, "layer.tar"), list);
    return await readFile(join(folder, "layer.tar"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function headers(archive: Buffer): Promise<string[]> {
  const extract = tar.extract();
  const found: string[] = [];
  extract.on("entry", ({ name, mode, mtime, uid }, body, next) => {
    found.push(`${name} ${mode.toString(8)} ${mtime.getTime()} ${uid}`);
    body.on("end", next).resume();
  });
  await pipeline(Readable.from([archive]), extract);
  return found;
}

test("the same files in any order give the same bytes", async () => {
  expect(await layerOf(files)).toEqual(await layerOf([...files].reverse()));
});

test("entries are sorted after their folders, owned by root, without a time", async () => {
  expect(await headers(await layerOf(files))).toEqual([
    "tmp/ 1777 0 0",
    "usr/ 755 0 0",
    "usr/bin/ 755 0 0",
    "usr/lib/ 755 0 0",
    "tmp/b 644 0 0",
    "usr/bin/tool 755 0 0",
    "usr/lib/link 777 0 0",
  ]);
});

test("a large file of this machine is packed without being read into memory first", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const file = join(folder, "source");
  const content = Buffer.from("x".repeat(3_000_000));
  await writeFile(file, content);
  const path = "usr/lib/big";
  const streamed = await layerOf([{ path, content: { file, size: content.length } }]);
  expect(streamed.equals(await layerOf([{ path, content }]))).toBe(true);
  await rm(folder, { recursive: true });
});

test("a file that shrinks while it is packed is an error, not a short layer", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const file = join(folder, "source");
  await writeFile(file, "short");
  await expect(layerOf([{ path: "x", content: { file, size: 10 } }])).rejects.toThrow();
  await rm(folder, { recursive: true });
});

test("an archive's id is known before it is loaded and changes with every input", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const path = join(folder, "layer.tar");
  await writeFile(path, await layerOf(files));
  const layer = { path, digest: "a".repeat(64), size: (await readFile(path)).length };
  const config = {
    architecture: "amd64",
    entrypoint: ["/x"],
    environment: [],
    stopSignal: "SIGTERM",
    labels: { "pvh.content": "1" },
  };
  const one = dockerArchive(["a:1"], config, [layer]);
  const chunks = () => buffer(one.stream());
  expect(await chunks()).toEqual(await chunks());
  expect(await headers(await chunks())).toContain(`${one.id.slice(7)}.json 644 0 0`);
  const other = { ...config, labels: { "pvh.content": "2" } };
  expect(dockerArchive(["a:1"], other, [layer]).id).not.toBe(one.id);
  expect(dockerArchive(["b:2"], config, [layer]).id).toBe(one.id);
  await rm(folder, { recursive: true });
});
