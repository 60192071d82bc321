import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import Docker from "dockerode";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Engine } from "../engine/engine.ts";
import { STOCK_LABEL } from "../engine/labels.ts";
import { ensureStockedImage } from "./stocked-image.ts";

let folder = "";
let objects: ReadonlyMap<string, { readonly file: string }>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvh-"));
  vi.stubEnv("XDG_CACHE_HOME", folder);
  await writeFile(join(folder, "root"), "the root file system");
  objects = new Map([["a".repeat(64), { file: join(folder, "root") }]]);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** An engine that builds: the image has the labels of its Dockerfile afterwards. */
async function engineThatBuilds(refuses?: string) {
  const images = new Map<string, Record<string, string>>();
  const contexts: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://engine");
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (url.pathname.endsWith("/build")) {
      const build = async (): Promise<void> => {
        const context = await text(request);
        contexts.push(context);
        const [, name = "", value = ""] = /^LABEL (.+?)=(\w+)/m.exec(context) ?? [];
        if (refuses === undefined) images.set(url.searchParams.get("t") ?? "", { [name]: value });
        answer(200, refuses === undefined ? { stream: "built" } : { error: refuses });
      };
      // A client that breaks off gets no image.
      build().catch(() => undefined);
    } else if (request.method === "POST") {
      answer(201, {});
    } else {
      const name = decodeURIComponent(/\/images\/(.+)\/json$/.exec(url.pathname)?.[1] ?? "");
      const labels = images.get(name);
      if (labels === undefined) answer(404, { message: "No such image" });
      else answer(200, { Id: "sha256:1", Config: { Labels: labels } });
    }
  });
  const socket = join(folder, "s");
  server.listen(socket);
  await once(server, "listening");
  return {
    engine: { docker: new Docker({ socketPath: socket }) } as unknown as Engine,
    contexts,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

test("an image is stocked once, also when two want it at the same time", async () => {
  await using fake = await engineThatBuilds();
  const stock = () => ensureStockedImage(fake.engine, "pvh-appengine:0", objects);
  const [one, two] = await Promise.all([stock(), stock()]);
  expect(one).toMatch(/^pvh-appengine:0-[0-9a-f]{8}$/);
  expect(two).toBe(one);
  expect(await stock()).toBe(one);
  expect(fake.contexts.length).toBe(1);
  const [context] = fake.contexts;
  expect(context).toContain("FROM pvh-appengine:0\nCOPY objects /var/pantavisor/storage/objects\n");
  expect(context).toContain(`LABEL ${STOCK_LABEL}=`);
  expect(context).toContain(`objects/${"a".repeat(64)}`);
  expect(context).toContain("the root file system");
});

test("other objects are another image", async () => {
  await using fake = await engineThatBuilds();
  const one = await ensureStockedImage(fake.engine, "pvh-appengine:0", objects);
  const more = new Map([...objects, ["b".repeat(64), { file: join(folder, "root") }]]);
  expect(await ensureStockedImage(fake.engine, "pvh-appengine:0", more)).not.toBe(one);
});

test("what the engine says against it is the error", async () => {
  await using fake = await engineThatBuilds("no space left on device");
  await expect(ensureStockedImage(fake.engine, "pvh-appengine:0", objects)).rejects.toMatchObject({
    code: "PVH_NO_SPACE",
  });
});

test("an object that cannot be read is an error, and nothing is built", async () => {
  await using fake = await engineThatBuilds();
  await rm(join(folder, "root"));
  await expect(ensureStockedImage(fake.engine, "pvh-appengine:0", objects)).rejects.toThrow(
    "no such file",
  );
});
