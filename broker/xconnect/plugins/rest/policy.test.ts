import { once } from "node:events";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { restPlugin } from "./rest.ts";
import { Bench, readText } from "../socket-bench.fixture.ts";
import type { BenchOptions } from "../socket-bench.fixture.ts";
import { loopTurns, sendPieces, settled } from "../socket-progress.fixture.ts";
import { openFds } from "../descriptors.fixture.ts";

afterEach(() => vi.useRealTimers());

async function bench(options: Partial<BenchOptions> = {}): Promise<Bench> {
  const made = new Bench({ plugin: restPlugin, ...options });
  await made.start();
  return made;
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/** Answers each read with OK; keeps what it has read. */
function respond(received: string[], response = OK): (socket: Socket) => void {
  return (socket) =>
    socket.on("data", (chunk: Buffer) => {
      received.push(chunk.toString("latin1"));
      socket.write(response);
    });
}

const rules = [[{ methods: ["GET", "POST"], path: "/open" }]];

describe("rules", () => {
  test("a denied request gets 403 in JSON and reaches nobody; the connection is kept", async () => {
    using b = await bench({ extensions: { rules } });
    const received: string[] = [];
    await b.provide(respond(received));
    const consumer = b.consume();
    consumer.write("GET /shut HTTP/1.1\r\nHost: x\r\n\r\n");
    const denied = await readText(consumer, (text) => text.endsWith("}"));
    expect(denied).toMatch(/^HTTP\/1.1 403 Forbidden\r\nContent-Type: application\/json\r\n/);
    expect(JSON.parse(denied.split("\r\n\r\n")[1] ?? "")).toHaveProperty("Error");
    consumer.write("DELETE /open HTTP/1.1\r\n\r\nGET /open HTTP/1.1\r\n\r\n");
    expect(await readText(consumer, (text) => text.endsWith("ok"))).toMatch(/403.*200/s);
    expect(received.map((text) => text.split(" ")[1])).toEqual(["/open"]);
    expect(b.counters.get("rejections.403")).toBe(2);
    expect(b.counters.get("requests")).toBe(3);
  });

  test("each decision is told, with the method and the target, to the one who debugs", async () => {
    using b = await bench({ extensions: { rules }, tellsDecisions: true });
    await b.provide(respond([]));
    const consumer = b.consume();
    consumer.write("GET /shut?a=b HTTP/1.1\r\n\r\nGET /open HTTP/1.1\r\n\r\n");
    await readText(consumer, (text) => text.endsWith("ok"));
    expect(b.decisions).toEqual([
      "refuse 403, this request is not allowed by the link's rules: GET /shut?a=b",
      "pass: GET /open",
    ]);
  });

  test("ten refusals of a connection are logged, and all are counted", async () => {
    using b = await bench({ extensions: { rules } });
    await b.provide(respond([]));
    const consumer = b.consume();
    consumer.write(`${"GET /shut HTTP/1.1\r\n\r\n".repeat(30)}GET /open HTTP/1.1\r\n\r\n`);
    await readText(consumer, (text) => text.endsWith("ok"));
    expect(b.counters.get("rejections.403")).toBe(30);
    expect(b.warnings.filter((line) => line.includes("Refused a request"))).toHaveLength(10);
  });

  test("the body of a denied request is thrown away, and the next request is found", async () => {
    using b = await bench({ extensions: { rules } });
    const received: string[] = [];
    await b.provide(respond(received));
    const consumer = b.consume();
    consumer.write("POST /shut HTTP/1.1\r\nContent-Length: 30\r\n\r\nGET /open HTTP/1.1\r\n");
    await readText(consumer, (text) => text.endsWith("}"));
    consumer.write("0123456789GET /open?2 HTTP/1.1\r\n\r\n");
    expect(await readText(consumer, (text) => text.endsWith("ok"))).toBe(OK);
    expect(received).toHaveLength(1);
    expect(received[0]).toMatch(/^GET \/open\?2 /);
  });

  test.each([
    [
      "that expects 100",
      "POST /shut HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
    ],
    ["that wants to close", "GET /shut HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["of HTTP/1.0", "GET /shut HTTP/1.0\r\n\r\n"],
  ])("a denied request %s ends the connection", async (_name, request) => {
    using b = await bench({ extensions: { rules } });
    await b.provide(() => undefined);
    const consumer = b.consume();
    consumer.write(request);
    expect(await readText(consumer)).toMatch(/^HTTP\/1.1 403 .*Connection: close\r\n/s);
    expect(b.dialled).toEqual([]);
  });

  test.each(["/open/../shut", "/open//", "/open%2fshut", "/open/%5C", "/open%00", "/open\\shut"])(
    "%s is 400",
    async (target) => {
      using b = await bench({ extensions: { rules } });
      await b.provide(() => undefined);
      const consumer = b.consume();
      consumer.write(`GET ${target} HTTP/1.1\r\n\r\n`);
      expect(await readText(consumer)).toMatch(/^HTTP\/1.1 400 /);
      expect(b.dialled).toEqual([]);
    },
  );

  test("HEAD is refused without a body", async () => {
    using b = await bench({ extensions: { rules } });
    const consumer = b.consume();
    consumer.write("HEAD /open/../shut HTTP/1.1\r\n\r\n");
    expect(await readText(consumer)).toMatch(/^HTTP\/1.1 400 .*\r\n\r\n$/s);
  });

  test("an absolute target is judged by its path", async () => {
    using b = await bench({ extensions: { rules } });
    const received: string[] = [];
    await b.provide(respond(received));
    const consumer = b.consume();
    consumer.write("GET http://open/shut HTTP/1.1\r\nHost: x\r\n\r\n");
    consumer.write("GET http://y/open HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await readText(consumer, (text) => text.endsWith("ok"))).toMatch(/403.*200/s);
    expect(received[0]).toMatch(/^GET \/open HTTP\/1.1\r\nHost: y\r\nX-PV-Client/);
  });

  test("rest-rules-ignored lets everything through", async () => {
    using b = await bench({ extensions: { rules }, quirks: "rest-rules-ignored" });
    await b.provide(respond([]));
    const consumer = b.consume();
    consumer.write("DELETE /shut HTTP/1.1\r\n\r\n");
    expect(await readText(consumer, (text) => text.endsWith("ok"))).toBe(OK);
  });
});

describe("an allowed upgrade", () => {
  const SWITCH = "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
  const OFFER = "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

  test("makes a pipe with half-close of it, early bytes included", async () => {
    using b = await bench({ extensions: { upgrade: ["echo"] } });
    await b.provide((socket) => {
      socket.once("data", (head: Buffer) => {
        expect(head.toString()).toMatch(/\r\nUpgrade: echo\r\nConnection: upgrade\r\nX-PV-/);
        socket.write(`${SWITCH}hello `);
        socket.on("data", (chunk: Buffer) => socket.write(chunk));
        socket.on("end", () => socket.end("bye"));
      });
    });
    const consumer = b.consume();
    consumer.write(`${OFFER}early `);
    await readText(consumer, (text) => text.endsWith("early "));
    consumer.end("X-PV-Role: \0late ");
    expect(await readText(consumer)).toBe("X-PV-Role: \0late bye");
  });

  test("passes the provider's EOF while the consumer goes on", async () => {
    using b = await bench({ extensions: { upgrade: ["echo"] } });
    const late = Promise.withResolvers<string>();
    await b.provide((socket) => {
      socket.once("data", () => {
        socket.end(SWITCH);
        void readText(socket).then(late.resolve);
      });
    });
    const consumer = b.consume();
    consumer.write(OFFER);
    expect(await readText(consumer)).toBe(SWITCH);
    consumer.end("still here");
    expect(await late.promise).toBe("still here");
  });

  test("that the provider declines is an ordinary request", async () => {
    using b = await bench({ extensions: { upgrade: ["echo"] } });
    await b.provide(respond([]));
    const consumer = b.consume();
    consumer.write(OFFER);
    await readText(consumer, (text) => text.endsWith("ok"));
    consumer.write("GET /2 HTTP/1.1\r\n\r\n");
    expect(await readText(consumer, (text) => text.endsWith("ok"))).toBe(OK);
  });

  test("is no way in for a provider that was offered none", async () => {
    using b = await bench({ extensions: { upgrade: ["other"] } });
    await b.provide((socket) => socket.once("data", () => socket.write(SWITCH)));
    const consumer = b.consume();
    consumer.write(OFFER);
    expect(await readText(consumer)).toMatch(/^HTTP\/1.1 502 /);
  });
});

describe("a consumer", () => {
  test("in the middle of an upload gets the response of a provider that has closed", async () => {
    using b = await bench();
    const response = "HTTP/1.1 413 Too Much\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig";
    await b.provide((socket) => socket.once("data", () => socket.end(response).destroySoon()));
    const consumer = b.consume();
    const piece = Buffer.alloc(64 * 1024, "x");
    consumer.write(`POST / HTTP/1.1\r\nContent-Length: ${200 * piece.length}\r\n\r\n`);
    for (let sent = 0; sent < 200; sent += 1) consumer.write(piece);
    expect(await readText(consumer)).toBe(response);
  });

  test("that goes while the provider is silent takes the provider's connection with it", async () => {
    using b = await bench();
    const provided = Promise.withResolvers<Socket>();
    await b.provide((socket) => provided.resolve(socket));
    const consumer = b.consume();
    consumer.write("GET /silent HTTP/1.1\r\n\r\nGET /pipelined HTTP/1.1\r\n\r\n");
    const provider = await provided.promise;
    const closed = once(provider.resume(), "end");
    consumer.destroy();
    await closed;
  });

  test("that has only half-closed may go later, too", async () => {
    using b = await bench();
    const provided = Promise.withResolvers<Socket>();
    await b.provide((socket) => provided.resolve(socket));
    const consumer = b.consume();
    consumer.end("GET /silent HTTP/1.1\r\n\r\n");
    const provider = await provided.promise;
    await once(provider, "data");
    const closed = once(provider, "end");
    consumer.destroy();
    await closed;
  });

  test("of HTTP/1.0 gets no interim response", async () => {
    using b = await bench();
    await b.provide((socket) =>
      socket.once("data", () => socket.end(`HTTP/1.1 103 Early\r\n\r\n${OK}`)),
    );
    const consumer = b.consume();
    consumer.write("GET / HTTP/1.0\r\n\r\n");
    expect(await readText(consumer)).toBe(OK);
  });

  test("that goes while the provider does not read holds its connection for 30 s at most", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    using b = await bench();
    const provided = Promise.withResolvers<Socket>();
    await b.provide((socket) => provided.resolve(socket.pause()));
    const consumer = b.consume();
    const piece = Buffer.alloc(64 * 1024, "x");
    consumer.write(`POST / HTTP/1.1\r\nContent-Length: ${100 * piece.length}\r\n\r\n`);
    const sent = sendPieces(consumer, piece, 100);
    const provider = await provided.promise;
    await settled(() => sent.count);
    const before = openFds();
    consumer.destroy();
    await once(consumer, "close");
    await loopTurns(50);
    // The consumer's own, the session's to it; the one to the provider gets time to be drained.
    expect(openFds()).toBe(before - 2);
    vi.advanceTimersByTime(30_000);
    expect(openFds()).toBe(before - 3);
    provider.destroy();
  });

  test("that only asks what is denied is not idle", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    using b = await bench({ extensions: { rules } });
    const consumer = b.consume();
    for (let look = 0; look < 4; look += 1) {
      consumer.write("GET /shut HTTP/1.1\r\n\r\n");
      await readText(consumer, (text) => text.endsWith("}"));
      vi.advanceTimersByTime(150_000);
    }
    expect(await Promise.race([once(consumer, "end"), loopTurns(20)])).toBeUndefined();
  });

  test("that is idle is closed after two looks, one that waits for a response is not", async () => {
    const server = createServer((_request, response) => response.flushHeaders());
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    using b = await bench();
    server.listen(b.providerPath);
    const idle = b.consume();
    const waiting = b.consume();
    waiting.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(server, "request");
    for (let look = 0; look < 3; look += 1) vi.advanceTimersByTime(150_000);
    expect(await readText(idle)).toBe("");
    expect(await readText(waiting, (text) => text.endsWith("\r\n\r\n"))).toMatch(/200/);
    expect(waiting.readableEnded).toBe(false);
    server.closeAllConnections();
    server.close();
  });
});
