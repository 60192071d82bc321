import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Engine } from "../engine/engine.ts";
import { saveImage } from "./save-image.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvh-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function engineThat(answers: RequestListener) {
  const server = createServer(answers);
  const socketPath = join(folder, "s");
  server.listen(socketPath);
  await once(server, "listening");
  const engine = { docker: new Docker({ socketPath }) } as unknown as Engine;
  return { engine, [Symbol.dispose]: () => server.close() };
}

const signal = new AbortController().signal;

test("an image is written as the engine sends it", async () => {
  using it = await engineThat(({ url }, response) => response.end(`archive of ${url ?? ""}`));
  await saveImage(it.engine, "pvh:x", join(folder, "x.tar"), signal);
  expect(await readFile(join(folder, "x.tar"), "utf8")).toMatch(/^archive of .*pvh:x\/get/);
});

test("a file that is not whole is not there", async () => {
  using it = await engineThat((_request, response) => {
    response.writeHead(200, { "Content-Length": 100 });
    response.write("half", () => response.destroy());
  });
  const saving = saveImage(it.engine, "pvh:x", join(folder, "x.tar"), signal);
  await expect(saving).rejects.toMatchObject({
    code: "PVH_ENGINE",
    message: expect.stringMatching(/x\.tar/) as string,
  });
  expect(await readdir(folder)).toEqual(["s"]);
});

test("a folder that is not there is the user's mistake", async () => {
  using it = await engineThat((_request, response) => response.end("archive"));
  const saving = saveImage(it.engine, "pvh:x", join(folder, "nowhere/x.tar"), signal);
  await expect(saving).rejects.toMatchObject({ code: "PVH_USAGE" });
});

test("an image that the engine does not have is told by name", async () => {
  using it = await engineThat((_request, response) => {
    response.writeHead(404, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ message: "No such image: pvh:x" }));
  });
  const saving = saveImage(it.engine, "pvh:x", join(folder, "x.tar"), signal);
  await expect(saving).rejects.toMatchObject({ code: "PVH_IMAGE_MISSING" });
});
