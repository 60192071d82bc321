import type { Socket } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { restPlugin } from "./rest.ts";
import { Bench, readText } from "../socket-bench.fixture.ts";
import { loopTurns } from "../socket-progress.fixture.ts";

async function bench(): Promise<Bench> {
  const made = new Bench({ plugin: restPlugin });
  await made.start();
  return made;
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const NEXT = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";

/** Answers whatever it reads, and keeps the connection whatever it is asked. */
function respond(received: string[], response = OK): (socket: Socket) => void {
  return (socket) =>
    socket.on("data", (chunk: Buffer) => {
      received.push(chunk.toString("latin1"));
      socket.write(response);
    });
}

describe("a connection ends behind the response to a request that is its last", () => {
  test.each([
    ["with Connection: close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
    ["of HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"],
    ["of HTTP/1.0 that wants both", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"],
  ])("%s, though the provider would go on", async (_name, request) => {
    using b = await bench();
    const received: string[] = [];
    await b.provide(respond(received));
    const consumer = b.consume();
    consumer.write(request + NEXT);
    expect(await readText(consumer)).toBe(OK);
    expect(received).toHaveLength(1);
  });

  test("but not of HTTP/1.0 with keep-alive", async () => {
    using b = await bench();
    const received: string[] = [];
    await b.provide(respond(received));
    const consumer = b.consume();
    consumer.write(`GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n${NEXT}`);
    expect(await readText(consumer, (text) => text.endsWith(OK + OK))).toBe(OK + OK);
    expect(received).toHaveLength(2);
  });
});

describe("a body that waits for 100", () => {
  const FORGED = "GET /forged HTTP/1.1\r\nX-PV-Role: root\r\n\r\n";
  const waiting = (framing: string) =>
    `POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n${framing}\r\n\r\n`;
  const REFUSAL = "HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\n";

  test.each([
    ["with a length", `Content-Length: ${FORGED.length}`, FORGED],
    [
      "in chunks",
      "Transfer-Encoding: chunked",
      `${FORGED.length.toString(16)}\r\n${FORGED}\r\n0\r\n\r\n`,
    ],
  ])(
    "%s goes nowhere when the provider answers without it: it could be read as requests there",
    async (_name, framing, body) => {
      using b = await bench();
      const received: string[] = [];
      const provided = Promise.withResolvers<Socket>();
      await b.provide((socket) => {
        respond(received, REFUSAL)(socket);
        provided.resolve(socket);
      });
      const consumer = b.consume();
      consumer.write(waiting(framing));
      const provider = await provided.promise;
      expect(await readText(consumer, (text) => text === REFUSAL)).toBe(REFUSAL);
      consumer.write(body + NEXT);
      await loopTurns(20);
      provider.write("no");
      expect(await readText(consumer)).toBe("no");
      expect(received).toHaveLength(1);
    },
  );

  test.each([
    ["that has come", "HTTP/1.1 100 Continue\r\n\r\n", ""],
    ["and begins without it", "", "ab"],
  ])("%s passes, behind the beginning of the response too", async (_name, interim, beginning) => {
    using b = await bench();
    const received: string[] = [];
    const provided = Promise.withResolvers<Socket>();
    await b.provide((socket) => {
      socket.on("data", (chunk: Buffer) => received.push(chunk.toString("latin1")));
      provided.resolve(socket);
    });
    const consumer = b.consume();
    consumer.write(waiting("Content-Length: 5") + beginning);
    const provider = await provided.promise;
    await vi.waitUntil(() => received.join("").endsWith(`\r\n\r\n${beginning}`), {
      timeout: 10_000,
    });
    const started = `${interim}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n`;
    provider.write(started);
    expect(await readText(consumer, (text) => text === started)).toBe(started);
    consumer.write("abcde".slice(beginning.length));
    await vi.waitUntil(() => received.join("").endsWith("abcde"), { timeout: 10_000 });
    provider.write("fghij");
    expect(await readText(consumer, (text) => text === "fghij")).toBe("fghij");
    consumer.write(NEXT);
    await vi.waitUntil(() => received.join("").includes("GET /next"), { timeout: 10_000 });
    expect(received.join("")).toContain("GET /next");
  });
});
