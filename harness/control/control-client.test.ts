import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
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
