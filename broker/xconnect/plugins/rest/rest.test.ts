import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { LinkRefused } from "../plugin.ts";
import { restPlugin } from "./rest.ts";
import { Bench, readText } from "../socket-bench.fixture.ts";
import type { BenchOptions } from "../socket-bench.fixture.ts";
import { loopTurns, sendPieces, settled } from "../socket-progress.fixture.ts";

afterEach(() => vi.useRealTimers());

async function bench(options: Partial<BenchOptions> = {}): Promise<Bench> {
  const made = new Bench({ plugin: restPlugin, ...options });
  await made.start();
  return made;
}

/** A provider that answers each request head with its own text and keeps the connection. */
function echoHeads(received: string[]): (socket: Socket) => void {
  return (socket) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end !== -1; end = text.indexOf("\r\n\r\n")) {
        const head = text.slice(0, end + 4);
        text = text.slice(end + 4);
        received.push(head);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${head.length}\r\n\r\n${head}`);
      }
    });
    socket.on("end", () => socket.end());
  };
}

const IDENTITY = "X-PV-Client: client\r\nX-PV-Role: admin\r\n\r\n";

describe("identity", () => {
  test("every pipelined request carries it, and the responses come in order", async () => {
    using b = await bench();
    const received: string[] = [];
    await b.provide(echoHeads(received));
    const consumer = b.consume();
    const request = (n: number) => `GET /${n} HTTP/1.1\r\nHost: x\r\nX-PV-Role: root\r\n\r\n`;
    consumer.end([1, 2, 3].map(request).join(""));
    const response = await readText(consumer);
    expect(received).toEqual([1, 2, 3].map((n) => `GET /${n} HTTP/1.1\r\nHost: x\r\n${IDENTITY}`));
    expect(response.match(/GET \/\d/g)).toEqual(["GET /1", "GET /2", "GET /3"]);
    expect(b.dialled).toHaveLength(1);
    expect(b.lines).toEqual([
      "pvx-rest: Injecting REST socket /run/svc.sock into pid 11",
      "pvx-rest: Accepted REST connection for service svc from client (pid 11)",
    ]);
  });

  test("trailers cannot carry it", async () => {
    using b = await bench();
    let received = "";
    await b.provide((socket) => {
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
        if (received.endsWith("\r\n0\r\nT: v\r\n\r\n")) socket.end("HTTP/1.0 200 OK\r\n\r\nyes");
      });
    });
    const consumer = b.consume();
    consumer.write("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    consumer.write("2;x=y\r\nab\r\n01\r\nc\r\n0\r\nx_pv_role: root\r\nT: v\r\n\r\n");
    expect(await readText(consumer)).toBe("HTTP/1.0 200 OK\r\n\r\nyes");
    expect(received).toContain("\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: v\r\n\r\n");
  });

  test("a role that no header can carry refuses the link", async () => {
    using b = new Bench({ plugin: restPlugin, role: "a\r\nX-PV-Role: root" });
    await expect(b.start()).rejects.toThrow(LinkRefused);
  });
});

describe("what must not pass", () => {
  test.each([
    [
      "a contradicting framing",
      "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["an oversized head", `GET / HTTP/1.1\r\nX: ${"a".repeat(70_000)}\r\n\r\n`, 431],
    ["CONNECT", "CONNECT example.org:80 HTTP/1.1\r\nHost: x\r\n\r\n", 405],
    ["an unfinished head", "GET / HTTP/1.1\r\n", 400],
  ])("%s is answered by the broker and reaches nobody", async (_name, wire, status) => {
    using b = await bench();
    await b.provide(() => undefined);
    const consumer = b.consume();
    consumer.end(wire);
    expect(await readText(consumer)).toMatch(new RegExp(`^HTTP/1.1 ${status} .*close\r\n`, "s"));
    expect(b.dialled).toEqual([]);
  });

  test("a malformed request behind a good one waits for the good one's response", async () => {
    using b = await bench();
    const received: string[] = [];
    await b.provide(echoHeads(received));
    const consumer = b.consume();
    consumer.write("GET /good HTTP/1.1\r\n\r\nGET /bad HTTP/1.1\r\nContent-Length: x\r\n\r\n");
    const response = await readText(consumer);
    expect(response).toMatch(/^HTTP\/1.1 200 OK.*GET \/good.*HTTP\/1.1 400 Bad Request/s);
    expect(received).toHaveLength(1);
  });

  test("a malformed chunk breaks the request off at the provider", async () => {
    using b = await bench();
    const provided = Promise.withResolvers<string>();
    await b.provide((socket) => void readText(socket).then(provided.resolve));
    const consumer = b.consume();
    consumer.write("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nxyz\r\n");
    expect(await readText(consumer)).toMatch(/^HTTP\/1.1 400 /);
    expect(await provided.promise).toMatch(/\r\n\r\n1\r\na\r\n$/);
  });

  test("rest-smuggling lets the contradicting framing through", async () => {
    using b = await bench({ quirks: "rest-smuggling" });
    await b.provide(echoHeads([]));
    const consumer = b.consume();
    consumer.end("GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n");
    expect(await readText(consumer)).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe("a slow head", () => {
  const start = async (b: Bench): Promise<Socket> => {
    const consumer = b.consume();
    await once(consumer, "connect");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    consumer.write("GET / HTTP/1.1\r\n");
    await loopTurns(20);
    return consumer;
  };

  test("is cut with 408 after 10 s, however it drips", async () => {
    using b = await bench();
    const consumer = await start(b);
    for (let second = 1; second <= 10; second += 1) {
      expect(b.warnings).toEqual([]);
      consumer.write(`X${second}: y\r\n`);
      await loopTurns(20);
      vi.advanceTimersByTime(1_000);
    }
    expect(await readText(consumer)).toMatch(/^HTTP\/1.1 408 /);
  });

  test("does not count while the response before it is being sent", async () => {
    using b = await bench();
    const provided = Promise.withResolvers<Socket>();
    await b.provide((socket) => provided.resolve(socket));
    const consumer = b.consume();
    consumer.write("GET /long HTTP/1.1\r\n\r\n");
    const provider = await provided.promise;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    consumer.write("GET / HTTP/1.1\r\n");
    await loopTurns(20);
    vi.advanceTimersByTime(25_000);
    provider.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlong");
    expect(await readText(consumer, (text) => text.endsWith("long"))).toMatch(/^HTTP\/1.1 200 /);
    await loopTurns(20);
    vi.advanceTimersByTime(10_000);
    expect(await readText(consumer)).toMatch(/^HTTP\/1.1 408 /);
  });

  test("may take for ever with rest-no-header-timeout", async () => {
    using b = await bench({ quirks: "rest-no-header-timeout" });
    await b.provide(echoHeads([]));
    const consumer = await start(b);
    vi.advanceTimersByTime(60_000);
    consumer.end("\r\n");
    expect(await readText(consumer)).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe("streams", () => {
  test("a response without length ends when the provider closes", async () => {
    using b = await bench();
    await b.provide((socket) => socket.once("data", () => socket.end("HTTP/1.0 200 OK\n\nbody")));
    const consumer = b.consume();
    consumer.write("GET / HTTP/1.0\r\n\r\n");
    expect(await readText(consumer)).toBe("HTTP/1.0 200 OK\r\n\r\nbody");
  });

  test("but not with no-half-close", async () => {
    using b = await bench({ quirks: "no-half-close:rest" });
    await b.provide((socket) => socket.once("data", () => socket.end("HTTP/1.0 200 OK\n\nbody")));
    const consumer = b.consume();
    consumer.write("GET / HTTP/1.0\r\n\r\n");
    await readText(consumer, (text) => text.endsWith("body"));
    await loopTurns(50);
    expect(consumer.readableEnded).toBe(false);
  });

  test("a half-closed consumer loses its response with early-close", async () => {
    using b = await bench({ quirks: "early-close:rest" });
    await b.provide((socket) => socket.on("end", () => socket.end("HTTP/1.0 200 OK\n\nbody")));
    const consumer = b.consume();
    consumer.end("GET / HTTP/1.0\r\n\r\n");
    expect(await readText(consumer)).toBe("");
  });

  test("a half-closed consumer gets a late response from a Node server", async () => {
    using b = await bench();
    const release = Promise.withResolvers<undefined>();
    const server = createServer((_request, response) => {
      void release.promise.then(() => response.end("late"));
    });
    server.listen(b.providerPath);
    await once(server, "listening");
    const consumer = b.consume();
    consumer.end("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(server, "request");
    release.resolve(undefined);
    expect(await readText(consumer)).toMatch(/late/);
    server.close();
  });

  test("a request body passes while it is being sent, a response while it is being made", async () => {
    using b = await bench();
    await b.provide((socket) => {
      socket.on("data", (chunk: Buffer) => {
        const text = chunk.toString("latin1");
        if (text.includes("first")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
        if (text.includes("last")) socket.write("def");
      });
    });
    const consumer = b.consume();
    consumer.write("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nfirst");
    expect(await readText(consumer, (text) => text.endsWith("abc"))).toContain("200");
    consumer.write("last");
    expect(await readText(consumer, (text) => text.endsWith("def"))).toBe("def");
  });

  test("rest-buffers-body holds the body until it is complete", async () => {
    using b = await bench({ quirks: "rest-buffers-body" });
    let received = "";
    await b.provide((socket) =>
      socket.on("data", (chunk: Buffer) => (received += chunk.toString())),
    );
    const consumer = b.consume();
    consumer.write("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nfirst");
    await vi.waitUntil(() => received.includes("X-PV-Role"), { timeout: 10_000 });
    expect(received).not.toContain("first");
    consumer.write("last");
    await vi.waitUntil(() => received.endsWith("firstlast"), { timeout: 10_000 });
  });

  test("Expect: 100-continue passes, and so does the interim response", async () => {
    using b = await bench();
    const server = createServer(
      (message, response) => void bodyText(message).then((body) => response.end(body)),
    );
    server.listen(b.providerPath);
    await once(server, "listening");
    const client = httpRequest({
      socketPath: b.consumerPath,
      method: "PUT",
      headers: { Expect: "100-continue" },
    });
    client.flushHeaders();
    await once(client, "continue");
    client.end("content");
    const [response] = (await once(client, "response")) as [IncomingMessage];
    expect(await bodyText(response)).toBe("content");
    server.close();
  });

  test("a stalled reader stops the sender, and 16 MiB each way arrive whole", async () => {
    using b = await bench();
    const piece = Buffer.alloc(64 * 1024, "x");
    const pieces = 256;
    const provided = Promise.withResolvers<Socket>();
    await b.provide((socket) => provided.resolve(socket.pause()));
    const consumer = b.consume();
    consumer.write(`POST / HTTP/1.1\r\nContent-Length: ${pieces * piece.length}\r\n\r\n`);
    const sent = sendPieces(consumer, piece, pieces);
    const provider = await provided.promise;

    const stalledAt = await settled(() => sent.count);
    expect(stalledAt * piece.length).toBeLessThan(2 * 1024 * 1024);

    const request = await readText(provider, (text) => text.length > pieces * piece.length);
    expect(request.split("\r\n\r\n")[1]).toHaveLength(pieces * piece.length);
    provider.write("HTTP/1.1 200 OK\r\nConnection: close\r\n");
    provider.write(`Content-Length: ${pieces * piece.length}\r\n\r\n`);
    const answered = sendPieces(provider, piece, pieces);
    expect((await settled(() => answered.count)) * piece.length).toBeLessThan(2 * 1024 * 1024);
    const response = await readText(consumer);
    expect(response.split("\r\n\r\n")[1]).toHaveLength(pieces * piece.length);
  });
});

describe("a provider", () => {
  test.each([
    ["that closes at once", (socket: Socket) => void socket.destroy()],
    [
      "that closes after the request",
      (socket: Socket) => void socket.once("data", () => socket.end()),
    ],
    ["that speaks something else", (socket: Socket) => void socket.end("220 smtp ready\r\n\r\n")],
  ])("%s is 502", async (_name, onConnection) => {
    using b = await bench();
    await b.provide(onConnection);
    const consumer = b.consume();
    consumer.write("GET / HTTP/1.1\r\n\r\n");
    expect(await readText(consumer)).toMatch(/^HTTP\/1.1 502 /);
    expect(b.warnings).toHaveLength(1);
    expect([b.counters.get("rejections"), b.counters.get("rejections.502")]).toEqual([1, 1]);
    expect(b.notes).toEqual([expect.stringMatching(/^no response from server: /)]);
  });

  test("that is not there is 502, without a body for HEAD", async () => {
    using b = await bench();
    const consumer = b.consume();
    consumer.write("HEAD / HTTP/1.1\r\n\r\n");
    expect(await readText(consumer)).toMatch(/^HTTP\/1.1 502 .*\r\n\r\n$/s);
  });

  test("is not connected to by a consumer that only connects and closes", async () => {
    using b = await bench();
    await b.provide(() => undefined);
    const consumer = b.consume();
    consumer.end();
    expect(await readText(consumer)).toBe("");
    expect(b.dialled).toEqual([]);
  });
});

test("when the link goes, both connections are closed at once", async () => {
  using b = await bench();
  const provided = Promise.withResolvers<Socket>();
  await b.provide((socket) => provided.resolve(socket));
  const consumer = b.consume();
  consumer.write("GET / HTTP/1.1\r\n\r\n");
  const provider = await provided.promise;
  const closed = Promise.all([once(consumer.resume(), "end"), once(provider.resume(), "end")]);
  b.endSessions();
  await closed;
});

async function bodyText(message: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of message as AsyncIterable<Buffer>) text += chunk.toString("latin1");
  return text;
}
