import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { restPlugin } from "./rest.ts";
import { Bench, readText } from "../socket-bench.fixture.ts";
import { loopTurns } from "../socket-progress.fixture.ts";

async function bench(upgrade: readonly string[] = []): Promise<Bench> {
  const made = new Bench({ plugin: restPlugin, extensions: { upgrade } });
  await made.start();
  return made;
}

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/** Text that a consumer gets when the provider sends this response to its request and closes. */
async function responseThrough(response: string, request = GET): Promise<string> {
  using b = await bench();
  await b.provide((socket) => socket.once("data", () => socket.end(response, "latin1")));
  const consumer = b.consume();
  consumer.write(request);
  return await readText(consumer);
}

const HEAD = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

describe("a response goes on", () => {
  test.each([
    `${HEAD}Server: x\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\nConnection: Keep-Alive\r\n\r\nok`,
    `${CHUNKED}2\r\nok\r\nA0\r\n${"x".repeat(0xa0)}\r\n0\r\nT: v\r\n\r\n`,
    "HTTP/1.0 200 OK\r\nX-Y: z\r\n\r\nup to the end",
    `HTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n${HEAD}Content-Length: 0\r\n\r\n`,
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
  ])("as the bytes it is when it is plain: %j", async (response) => {
    expect(await responseThrough(response)).toBe(response);
  });

  test.each([
    [
      "blanks before a colon",
      `${HEAD}Content-Length \t : 2\r\n\r\nok`,
      `${HEAD}Content-Length: 2\r\n\r\nok`,
    ],
    [
      "blanks around a value",
      `${HEAD}X:y \r\nContent-Length:\t2\r\n\r\nok`,
      `${HEAD}X: y\r\nContent-Length: 2\r\n\r\nok`,
    ],
    [
      "lines that end with LF alone",
      "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
      `${HEAD}Content-Length: 2\r\n\r\nok`,
    ],
    [
      "no blank behind the status",
      "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok",
    ],
    [
      "a length with zeros before it",
      `${HEAD}Content-Length: 002\r\n\r\nok`,
      `${HEAD}Content-Length: 2\r\n\r\nok`,
    ],
    [
      "a coding in another case",
      `${HEAD}Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n`,
      `${CHUNKED}0\r\n\r\n`,
    ],
    [
      "blanks behind a chunk size",
      `${CHUNKED}2  \r\nok\r\n0 \t\r\n\r\n`,
      `${CHUNKED}2\r\nok\r\n0\r\n\r\n`,
    ],
    [
      "blanks before an extension",
      `${CHUNKED}2 ; x = y\r\nok\r\n0\r\n\r\n`,
      `${CHUNKED}2\r\nok\r\n0\r\n\r\n`,
    ],
    ["an extension", `${CHUNKED}2;x="y;z"\r\nok\r\n0;a\r\n\r\n`, `${CHUNKED}2\r\nok\r\n0\r\n\r\n`],
    [
      "zeros before a chunk size",
      `${CHUNKED}0002\r\nok\r\n000\r\n\r\n`,
      `${CHUNKED}2\r\nok\r\n0\r\n\r\n`,
    ],
    [
      "a blank before a trailer's colon",
      `${CHUNKED}0\r\nT : v\r\n\r\n`,
      `${CHUNKED}0\r\nT: v\r\n\r\n`,
    ],
    [
      "framing among the trailers",
      `${CHUNKED}0\r\nContent-Length: 5\r\nT: v\r\nConnection: close\r\n\r\n`,
      `${CHUNKED}0\r\nT: v\r\n\r\n`,
    ],
    [
      "fields for one hop",
      `${HEAD}Connection: X-Hop, close\r\nX-Hop: 1\r\nTE: x\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n`,
      `${HEAD}Connection: close\r\nContent-Length: 0\r\n\r\n`,
    ],
    [
      "a trailer for one hop",
      `${HEAD}Connection: T\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: v\r\nU: w\r\n\r\n`,
      `${CHUNKED}0\r\nU: w\r\n\r\n`,
    ],
    [
      "a length with 204",
      "HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n",
      "HTTP/1.1 204 No\r\n\r\n",
    ],
    [
      "chunks with 1xx",
      `HTTP/1.1 103 E\r\nTransfer-Encoding: chunked\r\n\r\n${HEAD}Content-Length: 0\r\n\r\n`,
      `HTTP/1.1 103 E\r\n\r\n${HEAD}Content-Length: 0\r\n\r\n`,
    ],
    [
      "two lengths with 304",
      "HTTP/1.1 304 No\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
      "HTTP/1.1 304 No\r\n\r\n",
    ],
  ])("in our spelling when it is not: %s", async (_name, sent, passed) => {
    expect(await responseThrough(sent)).toBe(passed);
  });

  test("in one spelling however its bytes arrive", async () => {
    using b = await bench();
    const sent = `${HEAD}Transfer-Encoding : chunked\r\n\r\n2 ;x\r\nok\r\n0 \r\nT : v\r\n\r\n`;
    await b.provide((socket) =>
      socket.once("data", () => {
        void (async () => {
          for (const byte of sent) {
            socket.write(byte);
            await loopTurns(1);
          }
          socket.end();
        })();
      }),
    );
    const consumer = b.consume();
    consumer.write(GET);
    expect(await readText(consumer)).toBe(`${CHUNKED}2\r\nok\r\n0\r\nT: v\r\n\r\n`);
  });
});

describe("a response that two clients could read differently is 502", () => {
  test.each([
    ["another coding before chunked", `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ["chunked twice", `${HEAD}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
    [
      "chunked in two fields",
      `${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["a coding that is not chunked", `${HEAD}Transfer-Encoding: identity\r\n\r\nok`],
    [
      "length and chunks, a blank before the colon",
      `${HEAD}Content-Length: 2\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["no name", `${HEAD} : x\r\nContent-Length: 0\r\n\r\n`],
    ["a name with a blank in it", `${HEAD}Content Length: 2\r\n\r\nok`],
    ["a folded line", `${HEAD}X: a\r\n Content-Length: 2\r\n\r\nok`],
  ])("%s", async (_name, response) => {
    expect(await responseThrough(response)).toMatch(/^HTTP\/1\.1 502 /);
  });

  test("chunks for HTTP/1.0", async () => {
    const response = `${CHUNKED}2\r\nok\r\n0\r\n\r\n`;
    expect(await responseThrough(response, "GET / HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 502 /);
  });
});

describe("a request in chunks", () => {
  test.each([
    ["blanks before an extension", "2 ;x=y\r\nok\r\n0\t; z\r\n\r\n"],
    ["blanks in an extension", "2; x = y\r\nok\r\n0\r\n\r\n"],
  ])("passes with %s, and without them", async (_name, body) => {
    using b = await bench();
    const got = Promise.withResolvers<string>();
    await b.provide(
      (socket) => void readText(socket, (all) => /\r\n0\r\n\r\n$/.test(all)).then(got.resolve),
    );
    b.consume().write(`POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    expect(await got.promise).toMatch(/\r\n\r\n2\r\nok\r\n0\r\n\r\n$/);
  });

  test("with framing or a host among its trailers passes without them", async () => {
    using b = await bench();
    const got = Promise.withResolvers<string>();
    await b.provide(
      (socket) => void readText(socket, (all) => /\r\nT: v\r\n\r\n$/.test(all)).then(got.resolve),
    );
    const trailers =
      "Content-Length: 5\r\nHost: y\r\nExpect: 100-continue\r\nTE: x\r\nT: v\r\n\r\n";
    b.consume().write(
      `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${trailers}`,
    );
    expect(await got.promise).toMatch(/\r\n\r\n0\r\nT: v\r\n\r\n$/);
  });
});

describe("an upgrade beside a body", () => {
  const SWITCH = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
  const post = (framing: string) =>
    `POST /exec/1/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${framing}\r\n\r\n`;
  const BODY = '{"Tty":true}';
  const framings = [
    ["a length", `Content-Length: ${BODY.length}`, BODY],
    [
      "chunks",
      "Transfer-Encoding: chunked",
      `${BODY.length.toString(16)} ;x\r\n${BODY}\r\n0\r\n\r\n`,
    ],
  ] as const;
  const written = (framing: string) =>
    framing.startsWith("C") ? BODY : `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;

  /** A provider that switches when it has seen `after`, and then sends back what comes. */
  async function switching(b: Bench, after: string, received: string[]): Promise<void> {
    await b.provide((socket) => {
      let text = "";
      let switched = false;
      socket.on("data", (chunk: Buffer) => {
        received.push(chunk.toString("latin1"));
        text += chunk.toString("latin1");
        if (switched) socket.write(chunk);
        else if (text.includes(after)) {
          switched = true;
          socket.write(`${SWITCH}ready `);
        }
      });
      socket.on("end", () => socket.end("bye"));
    });
  }

  test.each(framings)(
    "passes with %s: the tunnel opens behind it",
    async (_name, framing, body) => {
      using b = await bench(["tcp"]);
      const received: string[] = [];
      await switching(b, written(framing), received);
      const consumer = b.consume();
      consumer.write(post(framing) + body);
      expect(await readText(consumer, (all) => all.endsWith("ready "))).toBe(`${SWITCH}ready `);
      consumer.end("ls\r\nX-PV-Role: root\r\n\r\n\0");
      expect(await readText(consumer)).toBe("ls\r\nX-PV-Role: root\r\n\r\n\0bye");
      expect(received.join("")).toMatch(/\r\nUpgrade: tcp\r\nConnection: upgrade\r\n/);
      expect(received.join("")).toContain(`X-PV-Role: admin\r\n\r\n${written(framing)}ls`);
    },
  );

  test.each(framings)(
    "passes with %s to a provider that switches before it has come",
    async (_name, framing, body) => {
      using b = await bench(["tcp"]);
      const received: string[] = [];
      await switching(b, "\r\n\r\n", received);
      const consumer = b.consume();
      consumer.write(post(framing));
      expect(await readText(consumer, (all) => all.endsWith("ready "))).toBe(`${SWITCH}ready `);
      consumer.end(`${body}early`);
      expect(await readText(consumer)).toBe(`${written(framing)}earlybye`);
    },
  );

  test.each(framings)("with %s that is cut off ends with it", async (_name, framing, body) => {
    using b = await bench(["tcp"]);
    await switching(b, "\r\n\r\n", []);
    const consumer = b.consume();
    consumer.write(post(framing));
    await readText(consumer, (all) => all.endsWith("ready "));
    consumer.end(body.slice(0, 1));
    expect(await readText(consumer)).toMatch(/bye$/);
    await once(consumer, "close");
  });

  test.each(framings)(
    "with %s, and a provider that ends first, goes on to the provider",
    async (_name, framing, body) => {
      using b = await bench(["tcp"]);
      const late = Promise.withResolvers<string>();
      await b.provide((socket) => {
        socket.once("data", () => {
          socket.end(SWITCH);
          void readText(socket).then(late.resolve);
        });
      });
      const consumer = b.consume();
      consumer.write(post(framing));
      expect(await readText(consumer)).toBe(SWITCH);
      consumer.end(`${body}still here`);
      expect(await late.promise).toBe(`${written(framing)}still here`);
    },
  );

  test("that goes wrong ends the session: nothing of it is taken for the tunnel's", async () => {
    using b = await bench(["tcp"]);
    const received: string[] = [];
    await switching(b, "\r\n\r\n", received);
    const consumer = b.consume();
    consumer.write(post("Transfer-Encoding: chunked"));
    await readText(consumer, (all) => all.endsWith("ready "));
    consumer.write("zz\r\nGET / HTTP/1.1\r\n\r\n");
    expect(await readText(consumer)).toBe("");
    expect(received.join("")).not.toContain("zz");
  });

  test.each([
    ["when the provider declines", ["tcp"], ""],
    ["on a link that does not allow it", [], ""],
    ["when the body waits for 100", ["tcp"], "Expect: 100-continue\r\n"],
  ])("is an ordinary request %s", async (name, allowed, more) => {
    using b = await bench(allowed);
    const received: string[] = [];
    await b.provide((socket: Socket) =>
      socket.on("data", (chunk: Buffer) => {
        received.push(chunk.toString("latin1"));
        if (/\{"Tty":true\}$|GET \/2/.test(received.join(""))) {
          socket.write(`${HEAD}Content-Length: 2\r\n\r\nok`);
        }
      }),
    );
    const consumer = b.consume();
    consumer.write(`${post(`${more}Content-Length: ${BODY.length}`)}${BODY}`);
    await readText(consumer, (all) => all.endsWith("ok"));
    consumer.write("GET /2 HTTP/1.1\r\n\r\n");
    await readText(consumer, (all) => all.endsWith("ok"));
    expect(/\r\nUpgrade: tcp/.test(received.join(""))).toBe(name === "when the provider declines");
  });
});
