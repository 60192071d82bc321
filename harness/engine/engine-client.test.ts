import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { engineClient } from "./engine-client.ts";
import { startExec } from "./exec.ts";
import { fakeEngine, http } from "./fake-engine.fixture.ts";
import { findEngine } from "./find-engine.ts";

afterEach(() => vi.unstubAllEnvs());

const brief = { first: 1, later: 2 };
const says = (text: string): unknown => expect.stringContaining(text);

describe("what listens, and is no engine, is told as that", () => {
  test.each([
    ["garbage", (socket: Socket) => socket.end("\u0000\u0001garbage\r\n\r\n")],
    ["HTML", (socket: Socket) => socket.end(http(200, "text/html", "<html>Hello</html>"))],
    ["the page of a proxy", (socket: Socket) => socket.end(http(502, "text/html", "<h1>no</h1>"))],
    ["other JSON", (socket: Socket) => socket.end(http(200, "application/json", '{"a":1}'))],
    ["a list", (socket: Socket) => socket.end(http(200, "application/json", "[]"))],
    ["null", (socket: Socket) => socket.end(http(200, "application/json", "null"))],
    ["nothing", (socket: Socket) => socket.end(http(200, "application/json", ""))],
  ])("%s", async (_what, answer) => {
    await using fake = await fakeEngine(answer);
    vi.stubEnv("DOCKER_HOST", fake.address.host);
    await expect(findEngine()).rejects.toMatchObject({
      code: "PVH_ENGINE_SILENT",
      message: says(`${fake.address.host} does not answer as a Docker engine`),
    });
  });

  test.each([
    ["at once", (socket: Socket) => socket.destroy()],
    [
      "in the middle of an answer",
      (socket: Socket) => socket.end(http(200, "a/b", "{}12").slice(0, -2)),
    ],
  ])("a connection that is closed %s", async (_when, answer) => {
    await using fake = await fakeEngine(answer);
    vi.stubEnv("DOCKER_HOST", fake.address.host);
    await expect(findEngine()).rejects.toMatchObject({
      code: "PVH_ENGINE_UNREACHABLE",
      hint: says("unset DOCKER_HOST"),
    });
  });
});

test.each([
  ["never answers", () => undefined],
  [
    "stops in the middle of an answer",
    (socket: Socket) => socket.write(http(200, "a/b", "{}12").slice(0, -2)),
  ],
])("an engine that %s is silent, in bounded time", async (_what, answer) => {
  await using fake = await fakeEngine(answer);
  const docker = engineClient(fake.address, brief);
  await expect(docker.version()).rejects.toMatchObject({
    code: "PVH_ENGINE_SILENT",
    message: says("accepts connections and does not answer"),
    hint: says("kill -CONT"),
  });
});

test("an engine that works for long, and answers pings, is waited for", async () => {
  let release = (): void => undefined;
  let pings = 0;
  await using fake = await fakeEngine((socket, path) => {
    if (path !== "/_ping")
      release = () => void socket.end(http(200, "application/json", '{"a":1}'));
    else {
      socket.end(http(200, "text/plain", "OK"));
      if ((pings += 1) === 4) release();
    }
  });
  expect(await engineClient(fake.address, brief).version()).toEqual({ a: 1 });
});

test("a stream into a container ends with the reason when its engine falls silent", async () => {
  let silent = false;
  await using fake = await fakeEngine((socket, path) => {
    if (silent) return;
    if (path === "/_ping") socket.end(http(200, "text/plain", "OK"));
    else if (path.endsWith("/start")) {
      socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
      silent = true;
    } else socket.end(http(201, "application/json", '{"Id":"e"}'));
  });
  const container = engineClient(fake.address, brief).getContainer("c");
  const { socket } = await startExec(container, ["sh"]);
  const [error] = (await once(socket, "error")) as [unknown];
  expect(error).toMatchObject({ code: "PVH_ENGINE_SILENT" });
});

test("an engine that is not reached by DOCKER_HOST is reached although it is set", async () => {
  await using fake = await fakeEngine((socket) =>
    socket.end(http(200, "application/json", '{"a":1}')),
  );
  vi.stubEnv("DOCKER_HOST", "tcp://192.0.2.1:1");
  expect(await engineClient(fake.address).version()).toEqual({ a: 1 });
  expect(process.env["DOCKER_HOST"]).toBe("tcp://192.0.2.1:1");
});
