import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { createServer as createRawServer } from "node:net";
import type { Server, Socket } from "node:net";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, expect, test } from "vitest";
import { runGuest } from "../guest-process.fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "pv-wasm-http-"));
afterAll(() => rmSync(folder, { recursive: true }));
const socket = join(folder, "provider.sock");
const requires = [{ name: "p", type: "rest", socket }];

/** Run the probe beside a provider. */
async function withServer(server: Server, words: readonly string[]): Promise<string[]> {
  server.listen(socket);
  await once(server, "listening");
  try {
    return (await runGuest({ words, requires })).output;
  } finally {
    server.close();
  }
}

const withHttp = (listener: RequestListener, ...words: string[]) =>
  withServer(createServer(listener), words);
/** A provider that answers each connection's first bytes with these. */
const withBytes = (reply: (peer: Socket) => void, ...words: string[]) =>
  withServer(
    createRawServer((peer) => {
      peer.once("data", () => reply(peer));
      peer.on("error", () => undefined);
    }),
    words,
  );

test("a body of any framing arrives whole", async () => {
  const big = "0123456789".repeat(20_000);
  const output = await withHttp(
    (request, response) => {
      if (request.url === "/chunked") response.write(big.slice(0, 70_000));
      if (request.url === "/close") response.setHeader("connection", "close");
      if (request.url === "/length") response.setHeader("content-length", big.length);
      response.end(request.url === "/chunked" ? big.slice(70_000) : big);
    },
    ...["get", "p", "/chunked", "get", "p", "/length", "get", "p", "/close"],
  );
  expect(output).toEqual(Array(3).fill(["status 200", big]).flat());
});

test("requests go over one connection, with the length of their body and their own fields", async () => {
  const seen: unknown[] = [];
  const connections = new Set<unknown>();
  await withHttp(
    (request, response) => {
      connections.add(request.socket);
      const { method, url, headers } = request;
      void text(request).then((body) => {
        seen.push([method, url, headers["x-a"], headers["content-length"], body]);
        response.end("done");
      });
    },
    ...["post", "p", "/one?q", "X-A: b\n", "body"],
    ...["post", "p", "/two", "", ""],
    ...["get", "p", "/three"],
  );
  expect(seen).toEqual([
    ["POST", "/one?q", "b", "4", "body"],
    ["POST", "/two", undefined, "0", ""],
    ["GET", "/three", undefined, undefined, ""],
  ]);
  expect(connections.size).toBe(1);
});

test("10,000 calls open one connection and fail in none", async () => {
  let connections = 0;
  const server = createServer((_request, response) => response.end("x"));
  server.on("connection", () => (connections += 1));
  const output = await withServer(server, ["bench", "p", "/", "10000"]);
  expect(output).toEqual([expect.stringMatching(/^calls 10000 failed 0 median \d+ us$/)]);
  expect(connections).toBe(1);
}, 60_000);

test("an answer that comes before the whole request was taken ends its connection", async () => {
  let calls = 0;
  const output = await withBytes(
    (peer) => {
      calls += 1;
      peer.pause();
      peer.write(`HTTP/1.1 ${calls === 1 ? 413 : 200} X\r\nContent-Length: 0\r\n\r\n`);
    },
    ...["post", "p", "/", "", "x".repeat(2_000_000), "get", "p", "/"],
  );
  expect(output.filter((line) => line !== "")).toEqual(["status 413", "status 200"]);
  expect(calls).toBe(2);
});

test("an interim response is passed over", async () => {
  const reply =
    "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  expect(await withBytes((peer) => peer.end(reply), "get", "p", "/")).toEqual(["status 200", "ok"]);
});

test.each([
  ["what is no HTTP", "nonsense\r\n\r\n", "request: errno 65"],
  ["an early end", "HTTP/1.1 200 OK\r\nContent-Le", "request: errno 15"],
  [
    "contradicting framing",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "request: errno 65",
  ],
  ["a change of protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "request: errno 65"],
  ["interim responses without end", "HTTP/1.1 100 C\r\n\r\n".repeat(50), "request: errno 65"],
  ["a head without end", `HTTP/1.1 200 OK\r\na: ${"b".repeat(100_000)}`, "request: errno 65"],
  ["a body that is cut", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "read: errno 15"],
  [
    "a wrong chunk",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "read: errno 65",
  ],
])("%s is an errno of the call, and the next call is served", async (_what, reply, errno) => {
  let calls = 0;
  const output = await withBytes(
    (peer) => {
      calls += 1;
      peer.end(calls === 1 ? reply : "HTTP/1.1 204 None\r\n\r\n");
    },
    ...["get", "p", "/", "get", "p", "/"],
  );
  expect(output.filter((line) => line !== "half" && line !== "status 200")).toEqual([
    expect.stringContaining(errno),
    "status 204",
  ]);
});
