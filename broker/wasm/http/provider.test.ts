import { Agent, request } from "node:http";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { startGuest } from "../guest-process.fixture.ts";
import type { GuestProcess } from "../guest-process.fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "pv-wasm-provider-"));
afterAll(() => rmSync(folder, { recursive: true }));
const socketPath = join(folder, "run/greeter.sock");

async function startServer(): Promise<GuestProcess> {
  rmSync(join(folder, "run"), { recursive: true, force: true });
  const guest = startGuest({
    module: "../../../containers/examples/pv-example-wasm-server/module.wasm",
    provides: [{ name: "greeter", type: "rest", socket: socketPath }],
  });
  await once(guest.channel, "data");
  return guest;
}

async function get(path: string, options: object = {}, body = ""): Promise<[number, string]> {
  const headers = { "X-PV-Client": "me", "X-PV-Role": "any" };
  const sent = request({ socketPath, path, headers, ...options });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [
    NodeJS.ReadableStream & { statusCode: number },
  ];
  return [response.statusCode, await text(response)];
}

const NOT_THERE = '{"error": "no such path"}\n';
const HELLO = '{"hello": "me", "role": "any"}\n';

test("a guest answers requests on kept connections and on many at a time", async () => {
  await using guest = await startServer();
  using agent = { agent: new Agent({ keepAlive: true }), [Symbol.dispose]: () => undefined };
  expect(await get("/hello", agent)).toEqual([200, HELLO]);
  expect(await get("/other", agent)).toEqual([404, NOT_THERE]);
  const many = await Promise.all(Array.from({ length: 100 }, () => get("/hello")));
  expect(new Set(many.map(String))).toEqual(new Set([`200,${HELLO}`]));
  agent.agent.destroy();
  guest.channel.end();
  const { code, reports } = await guest.ended;
  expect([code, reports.at(-1)]).toEqual([0, "exit 0"]);
});

test("a body that the guest does not read is no part of the next request", async () => {
  await using guest = await startServer();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const post = { agent, method: "POST" };
  expect(await get("/x", post, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")).toEqual([404, NOT_THERE]);
  expect(await get("/hello", { agent })).toEqual([200, HELLO]);
  agent.destroy();
  expect(guest.channel.readable).toBe(true);
});

test("malformed requests, and connections that stay silent, cost others nothing", async () => {
  await using guest = await startServer();
  const silent = Array.from({ length: 70 }, () => connect(socketPath).on("error", () => undefined));
  await Promise.all(silent.map((one) => once(one, "connect")));
  for (const one of silent.slice(0, 10)) one.write("GET /hel");
  const bad = connect(socketPath).on("error", () => undefined);
  bad.write("GET /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
  expect(await text(bad)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await get("/hello")).toEqual([200, HELLO]);
  for (const one of silent) one.destroy();
  expect(await get("/hello")).toEqual([200, HELLO]);
  expect(guest.channel.readable).toBe(true);
});

test("its socket is there before it runs, and is not under the quirk", async () => {
  {
    await using guest = await startServer();
    expect([guest.channel.readable, existsSync(socketPath)]).toEqual([true, true]);
  }
  await using without = startGuest({
    module: "../../../containers/examples/pv-example-wasm-server/module.wasm",
    provides: [{ name: "greeter", type: "rest", socket: join(folder, "other.sock") }],
    quirks: "wasm-provider-missing",
  });
  await without.ended;
  expect(existsSync(join(folder, "other.sock"))).toBe(false);
});

test("a socket that cannot be made ends the guest by name", async () => {
  await using guest = startGuest({
    module: "../../../containers/examples/pv-example-wasm-server/module.wasm",
    provides: [{ name: "greeter", type: "rest", socket: "/proc/greeter.sock" }],
  });
  expect((await guest.ended).reports).toEqual([
    expect.stringMatching(/^failed the socket of service 'greeter': /),
  ]);
});
