import { expect, test } from "vitest";
import { captureDebug } from "../debug.fixture.ts";
import { engineClient } from "./engine-client.ts";
import { startExec } from "./exec.ts";
import { fakeEngine, http } from "./fake-engine.fixture.ts";

const JSON_TYPE = "application/json";

test("each call is told with its method, path, status and time", async () => {
  const lines = captureDebug("engine");
  await using fake = await fakeEngine((socket, path) => {
    if (path.startsWith("/info")) socket.end(http(200, JSON_TYPE, "{}"));
    else socket.end(http(404, JSON_TYPE, '{"message":"no such container"}'));
  });
  const docker = engineClient(fake.address);
  await docker.info();
  await expect(docker.getContainer("c").inspect()).rejects.toThrow("no such container");
  expect(lines).toEqual([
    expect.stringMatching(/\(engine\/\d+\): GET \/info 200, \d+ ms$/),
    expect.stringMatching(/\(engine\/\d+\): GET \/containers\/c\/json 404, \d+ ms$/),
  ]);
});

test("a call that becomes a stream is told as 101", async () => {
  const lines = captureDebug("engine");
  await using fake = await fakeEngine((socket, path) => {
    if (path === "/containers/c/exec") socket.end(http(201, JSON_TYPE, '{"Id":"e"}'));
    else socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  });
  const { socket } = await startExec(engineClient(fake.address).getContainer("c"), ["sh"]);
  socket.destroy();
  expect(lines).toEqual([
    expect.stringMatching(/POST \/containers\/c\/exec 201, \d+ ms$/),
    expect.stringMatching(/POST \/exec\/e\/start 101, \d+ ms$/),
  ]);
});

test("a call without an answer is told with the reason", async () => {
  const lines = captureDebug("engine");
  const address = { kind: "unix", host: "unix:///nosuch/s", path: "/nosuch/s" } as const;
  await expect(engineClient(address).info()).rejects.toThrow("ENOENT");
  expect(lines).toEqual([expect.stringMatching(/GET \/info connect ENOENT \/nosuch\/s, \d+ ms$/)]);
});
