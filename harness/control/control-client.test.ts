import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer as createRawServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { captureDebug } from "../debug.fixture.ts";
import { PvhError } from "../errors.ts";
import { ControlClient, reasonOf } from "./control-client.ts";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** A client of a pv-ctrl that answers with `listener`; counts the streams it opens. */
async function serve(
  listener: RequestListener,
): Promise<{ client: ControlClient; streams: () => number; server: Server }> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-control-"));
  const server = createServer(listener);
  const path = join(folder, "pv-ctrl");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  let streams = 0;
  const client = new ControlClient(() => {
    streams += 1;
    return Promise.resolve(connect({ path, allowHalfOpen: true }));
  });
  open.push(async () => {
    client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });
  return { client, streams: () => streams, server };
}

const container = {
  name: "c1",
  group: "app",
  status: "STARTED",
  status_goal: "STARTED",
  restart_policy: "container",
  roles: ["mgmt"],
  user_stopped: "false",
};

test("one stream serves many requests", async () => {
  const { client, streams } = await serve((_request, response) =>
    response.end(JSON.stringify([container])),
  );
  for (let n = 0; n < 5; n += 1) expect(await client.containers()).toEqual([container]);
  expect(streams()).toBe(1);
});

test("a connection that the server closed meanwhile is replaced", async () => {
  const { client, server } = await serve((_request, response) => response.end("[]"));
  expect(await client.containers()).toEqual([]);
  server.closeAllConnections();
  expect(await client.containers()).toEqual([]);
});

test("a body that is not what was promised is named", async () => {
  const { client } = await serve((_request, response) =>
    response.end(JSON.stringify([{ ...container, status: "HAPPY" }])),
  );
  await expect(client.containers()).rejects.toThrow(/GET \/containers: unexpected body.*status/s);
});

test("an error status carries the server's reason", async () => {
  const { client } = await serve((_request, response) => {
    response.writeHead(403).end('{"Error":"Request not sent from a mgmt platform"}');
  });
  await expect(client.graph()).rejects.toThrow("403 Request not sent from a mgmt platform");
  const reply = await client.act("c1", "stop");
  expect([reply.status, reasonOf(reply)]).toEqual([403, "Request not sent from a mgmt platform"]);
  await expect(client.restart("c1")).rejects.toThrow(
    "PUT /containers/c1 (restart): 403 Request not sent from a mgmt platform",
  );
});

test("an action is a PUT with its length", async () => {
  const { client } = await serve((request, response) => {
    request.pipe(response);
    response.setHeader("X-Length", request.headers["content-length"] ?? "none");
    response.setHeader("X-Method", `${request.method ?? ""} ${request.url ?? ""}`);
  });
  const reply = await client.actOnDaemon("pv-xconnect", "stop");
  expect(reply.body).toBe('{"action":"stop"}');
  expect(reply.headers["x-length"]).toBe("17");
  expect(reply.headers["x-method"]).toBe("PUT /daemons/pv-xconnect");
});

test("silence ends at the deadline", async () => {
  const { client } = await serve(() => undefined);
  await expect(client.send("PUT", "/containers/c1", { timeout: 50 })).rejects.toMatchObject({
    code: "PVH_CONTROL",
    class: "product",
  });
});

test("an engine that does not lead to pv-ctrl is not pv-ctrl's failure", async () => {
  const client = new ControlClient(() => Promise.reject(new PvhError("PVH_ENGINE", "nc: no exec")));
  open.push(() => {
    client.close();
    return Promise.resolve();
  });
  await expect(client.send("GET", "/buildinfo")).rejects.toMatchObject({
    code: "PVH_ENGINE",
    class: "infra",
  });
});

/** A pv-ctrl that says these bytes to every request, over and over until the caller has gone. */
async function saying(beginning: string, again?: string): Promise<ControlClient> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-control-"));
  const path = join(folder, "pv-ctrl");
  const server = createRawServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write(beginning);
      const more = (): void => {
        if (again === undefined) return;
        while (!socket.destroyed && socket.write(again));
        socket.once("drain", more);
      };
      more();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = new ControlClient(() => Promise.resolve(connect({ path, allowHalfOpen: true })));
  open.push(async () => {
    client.close();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });
  return client;
}

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNK = `10000\r\n${"x".repeat(0x10000)}\r\n`;

test.each([
  ["headers", "HTTP/1.1 200 OK\r\n", "X: y\r\n"],
  ["one header", "HTTP/1.1 200 OK\r\nX: ", "y".repeat(65_536)],
  ["chunks", CHUNKED, CHUNK],
  ["one chunk's extension", `${CHUNKED}1;x=`, "y".repeat(65_536)],
  ["trailers", `${CHUNKED}0\r\n`, "X: y\r\n"],
  ["a body until the end", "HTTP/1.1 200 OK\r\n\r\n", "y".repeat(65_536)],
  ["interim answers", "", "HTTP/1.1 100 Continue\r\n\r\n"],
])("endless %s end as an error, in time and in little memory", async (_what, beginning, again) => {
  const client = await saying(beginning, again);
  const before = process.memoryUsage().rss;
  await expect(client.send("GET", "/", { timeout: 1_500 })).rejects.toMatchObject({
    class: "product",
    code: expect.stringMatching(/^PVH_(CONTROL|TOO_MUCH)$/) as string,
  });
  expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
});

test("a message about a body that is wrong in a million places is short", async () => {
  const body = JSON.stringify(Array.from({ length: 100_000 }, () => 1));
  const { client } = await serve((_request, response) => response.end(body));
  const error = await client.containers().catch((thrown: unknown) => thrown);
  expect((error as Error).message.length).toBeLessThan(1_200);
});

test("what a server says after its answer is no answer to the next question", async () => {
  const client = await saying(
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb",
  );
  expect((await client.send("GET", "/")).body).toBe("a");
  const next = await client.send("GET", "/", { timeout: 1_000 }).catch((error: unknown) => error);
  expect(next).not.toMatchObject({ body: "b" });
});

test("an answer that does not come in time says so", async () => {
  const client = await saying("");
  await expect(client.send("GET", "/x", { timeout: 50 })).rejects.toMatchObject({
    code: "PVH_CONTROL",
    message: "GET /x: no answer in time",
  });
});

test("PVH_DEBUG=control tells each exchange, and none of its content", async () => {
  const lines = captureDebug("control");
  const { client } = await serve((_request, response) => response.end("[]"));
  await client.send("PUT", "/device-meta/key", { body: "a secret" });
  await expect(client.send("GET", "/a b")).rejects.toThrow();
  expect(lines).toEqual([
    expect.stringMatching(/PUT \/device-meta\/key 200, 2 characters, \d+ ms$/),
    expect.stringMatching(/GET \/a b: .*, \d+ ms$/),
  ]);
});
