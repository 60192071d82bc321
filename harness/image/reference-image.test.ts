import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { expect, test } from "vitest";
import type { Engine } from "../engine/engine.ts";
import { CONTENT_LABEL, removeUnused, useImage } from "./reference-image.ts";

/** An engine with these images; it keeps what it was asked to change. */
async function engineWith(images: Readonly<Record<string, { used: string; content?: string }>>) {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const changes: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "").replace(/^\/v[\d.]+/, "");
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const name = /^\/images\/(.+)\/json/.exec(path)?.[1] ?? "";
    const image = images[name];
    if (request.method !== "GET") {
      changes.push(`${request.method ?? ""} ${path}`);
      answer(request.method === "POST" ? 201 : 200, []);
    } else if (path.startsWith("/images/json")) {
      answer(200, [{ RepoTags: Object.keys(images) }]);
    } else if (image === undefined) {
      answer(404, { message: "No such image" });
    } else {
      const Labels = { "pvh.content": image.content ?? "" };
      answer(200, { Id: "sha256:1", Config: { Labels }, Metadata: { LastTagTime: image.used } });
    }
  });
  server.listen(join(folder, "s"));
  await once(server, "listening");
  const engine: Engine = {
    docker: new Docker({ socketPath: join(folder, "s") }),
    host: "",
    origin: "DOCKER_HOST",
    version: "",
    apiVersion: "",
    sameMachine: false,
  };
  return {
    engine,
    changes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();

test("a build removes what nobody used for a day, and nothing that another clone uses", async () => {
  await using fake = await engineWith({
    "pvh-appengine:reference": { used: hoursAgo(200) },
    "pvh-appengine:old": { used: hoursAgo(25) },
    "pvh-appengine:used": { used: hoursAgo(23) },
    // docker load leaves this time until the loading pvh tags the image.
    "pvh-appengine:loading": { used: "0001-01-01T00:00:00Z" },
  });
  await removeUnused(fake.engine);
  expect(fake.changes).toEqual(["DELETE /images/pvh-appengine:old"]);
});

test("whoever uses an image that is there already leaves the time of that", async () => {
  await using fake = await engineWith({
    "pvh-appengine:a": { used: hoursAgo(30), content: "abc" },
  });
  expect(await useImage(fake.engine, "pvh-appengine:a", CONTENT_LABEL, "abc")).toBe("sha256:1");
  expect(fake.changes).toEqual(["POST /images/pvh-appengine:a/tag?repo=pvh-appengine&tag=a"]);
});

test("an image with other content, or none, is not used", async () => {
  await using fake = await engineWith({ "pvh-appengine:a": { used: hoursAgo(1), content: "abc" } });
  expect(await useImage(fake.engine, "pvh-appengine:a", CONTENT_LABEL, "abd")).toBeUndefined();
  expect(await useImage(fake.engine, "pvh-appengine:b", CONTENT_LABEL, "abc")).toBeUndefined();
  expect(fake.changes).toEqual([]);
});
