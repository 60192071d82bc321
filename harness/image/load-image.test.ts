import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import Docker from "dockerode";
import tar from "tar-stream";
import { expect, test } from "vitest";
import type { Engine } from "../engine/engine.ts";
import { loadImageTarball } from "./load-image.ts";
import { parseLoad } from "./load-stream.ts";
import { mirrorsFrom } from "./rootfs.ts";

/** An engine at which nothing listens: bad files must be refused without asking it. */
const nobody: Engine = {
  docker: new Docker({ socketPath: "/nonexistent" }),
  host: "unix:///nonexistent",
  origin: "DOCKER_HOST",
  version: "",
  apiVersion: "",
  sameMachine: false,
};

async function archive(entries: Record<string, string>): Promise<Buffer> {
  const pack = tar.pack();
  for (const [name, content] of Object.entries(entries)) pack.entry({ name }, content);
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function load(content: Buffer): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const path = join(folder, "image.tar");
  await writeFile(path, content);
  return loadImageTarball(nobody, path).finally(() => rm(folder, { recursive: true }));
}

const config = "c".repeat(64);
const image = await archive({
  [`${config}.json`]: "{}".padEnd(3000),
  "manifest.json": JSON.stringify([{ Config: `${config}.json`, RepoTags: ["a:1"], Layers: [] }]),
});

test.each([
  ["empty", Buffer.alloc(0)],
  ["not a tar", Buffer.from("x".repeat(2000))],
  ["a truncated tar", image.subarray(0, 1500)],
  ["a truncated gzip", gzipSync(image).subarray(0, 60)],
  ["some other tar", await archive({ "hello.txt": "hello" })],
  ["a tar with a broken manifest", await archive({ "manifest.json": "[{}]" })],
])("a file that is %s is refused and named", async (_what, content) => {
  await expect(load(content)).rejects.toMatchObject({
    code: "PVH_BAD_IMAGE",
    message: expect.stringContaining("image.tar") as string,
  });
});

test("a pipe is refused at once: it could not be read twice", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const path = join(folder, "image.tar");
  execFileSync("mkfifo", [path]);
  await expect(loadImageTarball(nobody, path)).rejects.toThrow("it is not a regular file");
  await rm(folder, { recursive: true });
});

test("reading an image ends when it is cancelled", async () => {
  const cancelled = AbortSignal.abort();
  await expect(
    loadImageTarball(nobody, import.meta.filename, { signal: cancelled }),
  ).rejects.toMatchObject({ code: "PVH_ABORTED" });
});

test("a missing file is refused and named", async () => {
  await expect(loadImageTarball(nobody, "/nonexistent/x.tar")).rejects.toMatchObject({
    code: "PVH_BAD_IMAGE",
    message: expect.stringContaining("/nonexistent/x.tar") as string,
  });
});

test.each([
  ["plain", image],
  ["gzipped", gzipSync(image)],
])("a good %s file gets as far as the engine", async (_how, content) => {
  await expect(load(content)).rejects.toMatchObject({ code: "PVH_ENGINE_UNREACHABLE" });
});

test("what the engine loaded, or why not, is read from its answer", () => {
  const answer = [
    { stream: "Loaded image: a:1\n" },
    { stream: "Loaded image ID: sha256:12\n" },
    { errorDetail: { message: "bad layer" }, error: "bad layer" },
  ];
  expect(parseLoad(answer.map((item) => JSON.stringify(item)).join("\r\n"))).toEqual({
    references: ["a:1", "sha256:12"],
    error: "bad layer",
  });
});

test("only Debian's own mirrors are taken from this machine's sources", () => {
  const targets = [
    "https://vendor.example/apt Vendor/Vendor",
    "http://mirror.example/debian/ Debian/Debian",
    "http://mirror.example/debian-security/ Debian/Debian-Security",
  ];
  expect(mirrorsFrom(targets.join("\n"))).toEqual({
    main: "http://mirror.example/debian/",
    security: "http://mirror.example/debian-security/",
  });
  expect(mirrorsFrom("https://ubuntu.example Ubuntu/Ubuntu").main).toBe(
    "http://deb.debian.org/debian",
  );
});
