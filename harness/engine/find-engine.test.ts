import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { requireApi } from "./connect.ts";
import { findEngine } from "./find-engine.ts";

/** An engine's first two answers, on a socket of this machine. */
async function engineWith(apiVersion: string): Promise<{ host: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const server = createServer((request, response) => {
    const body =
      request.url === "/info" ? { Name: "elsewhere" } : { ApiVersion: apiVersion, Version: "v" };
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(body));
  });
  server.listen(join(folder, "s"));
  await once(server, "listening");
  return {
    host: `unix://${join(folder, "s")}`,
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

test("the engine that DOCKER_HOST names is used, and known to be elsewhere", async () => {
  await using fake = await engineWith("1.43");
  vi.stubEnv("DOCKER_HOST", fake.host);
  expect(await findEngine()).toMatchObject({
    host: fake.host,
    origin: "DOCKER_HOST",
    version: "v",
    sameMachine: false,
  });
});

test("an engine that is too old is refused with the version that would do", async () => {
  await using fake = await engineWith("1.40");
  vi.stubEnv("DOCKER_HOST", fake.host);
  await expect(findEngine()).rejects.toMatchObject({
    code: "PVH_ENGINE_TOO_OLD",
    hint: expect.stringContaining("20.10") as string,
  });
});

test("a DOCKER_HOST where nobody answers is an error, not a reason to use another engine", async () => {
  vi.stubEnv("DOCKER_HOST", "unix:///nonexistent/docker.sock");
  await expect(findEngine()).rejects.toMatchObject({
    code: "PVH_ENGINE_UNREACHABLE",
    message: expect.stringContaining("/nonexistent/docker.sock") as string,
    hint: expect.stringContaining("unset DOCKER_HOST") as string,
  });
  vi.unstubAllEnvs();
});

test("API versions are compared as numbers", () => {
  expect(() => requireApi("1.100", "e")).not.toThrow();
  expect(() => requireApi("2.0", "e")).not.toThrow();
  expect(() => requireApi("1.5", "e")).toThrow("1.5");
});
