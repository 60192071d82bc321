import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { ResponseParser } from "./response-parser.ts";
import type { ResponseEvent } from "./response-parser.ts";

function follow(wire: string, method = "GET", upgrade: readonly string[] = []): ResponseEvent[] {
  const parser = new ResponseParser();
  parser.expect({ method, upgrade });
  return eventsOf(parser, Buffer.from(wire, "latin1"));
}

/** Events of one piece, whose memory is then used for something else, as in a session. */
function eventsOf(parser: ResponseParser, piece: Buffer): ResponseEvent[] {
  const lent = Buffer.from(piece);
  const events: ResponseEvent[] = [];
  parser.push(lent);
  for (let event = parser.next(); event !== undefined; event = parser.next()) {
    events.push("bytes" in event ? { ...event, bytes: Buffer.from(event.bytes) } : event);
  }
  parser.keep();
  lent.fill("#");
  return events;
}

function bytesOf(events: readonly ResponseEvent[]): string {
  return events.map((event) => ("bytes" in event ? event.bytes.toString("latin1") : "")).join("");
}

const OK = "HTTP/1.1 200 OK\r\n";

describe("a response ends", () => {
  test.each([
    ["after its length", `${OK}Content-Length: 3\r\n\r\nabc`, "GET"],
    [
      "after its last chunk",
      `${OK}Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: v\r\n\r\n`,
      "GET",
    ],
    ["after its head, to HEAD", `${OK}Content-Length: 3\r\n\r\n`, "HEAD"],
    [
      "after its length, with a reason in another encoding",
      "HTTP/1.1 200 \t\xe9\r\nContent-Length: 0\r\n\r\n",
      "GET",
    ],
    ["after its head, with 204", "HTTP/1.1 204 No Content\r\n\r\n", "GET"],
    ["after its head, with 304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "GET"],
    ["after LF alone and without reason", "HTTP/1.1 200\nContent-Length: 0\n\n", "GET"],
    [
      "behind interim responses",
      `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 1\r\n\r\na`,
      "PUT",
    ],
  ])("%s", (_name, wire, method) => {
    const events = follow(wire, method);
    expect(events.at(-1)).toEqual({ type: "end", keepAlive: true });
    expect(bytesOf(events)).toBe(wire);
  });

  test("never by itself without length", () => {
    const wire = "HTTP/1.0 200 OK\r\n\r\nsome bytes\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    const events = follow(wire);
    expect(events.map((event) => event.type)).not.toContain("end");
    expect(bytesOf(events)).toBe(wire);
  });
});

test.each([
  ["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false],
  ["HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false],
  ["HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", true],
])("%j keeps the connection: %s", (wire, keepAlive) => {
  expect(follow(wire).at(-1)).toEqual({ type: "end", keepAlive });
});

describe("a response is refused", () => {
  test.each([
    ["that is not HTTP", "SSH-2.0-OpenSSH\r\n\r\n"],
    ["with two lengths", `${OK}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
    [
      "with length and chunks",
      `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["that changes the protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ["that changes to no protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n", ["websocket"]],
    [
      "that changes to another protocol than was offered",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
      ["websocket"],
    ],
    ["with a bare CR in its reason", "HTTP/1.1 200 OK\rContent-Length: 9\r\n\r\n"],
    ["with a NUL in its reason", "HTTP/1.1 200 O\0K\r\n\r\n"],
    ["with a folded line", `${OK}X: a\r\n b\r\n\r\n`],
  ])("%s, before a byte of it is out", (_name, wire, upgrade: readonly string[] = []) => {
    expect(follow(wire, "GET", upgrade)).toMatchObject([{ type: "refused" }]);
  });

  test("that goes wrong behind the part that is passed on", () => {
    const good = `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`;
    for (const bad of ["x\r\n", "0\r\nbad trailer\r\n\r\n"]) {
      const events = follow(`${good}${bad}`);
      expect(events.at(-1)).toMatchObject({ type: "refused" });
      expect(bytesOf(events)).toBe(good + (bad.startsWith("0") ? "0\r\n" : ""));
    }
  });

  test("that nobody asked for, behind the one that was", () => {
    const events = follow(`${OK}Content-Length: 0\r\n\r\n${OK}Content-Length: 0\r\n\r\n`);
    expect(events.map((event) => event.type)).toEqual(["head", "end", "refused"]);
  });
});

test("an offered change of protocol is told, what follows is no response", () => {
  const parser = new ResponseParser();
  parser.expect({ method: "GET", upgrade: ["websocket"] });
  const head = "HTTP/1.1 101 Go\r\nUpgrade: WebSocket\r\n\r\n";
  parser.push(Buffer.from(`${head}raw bytes`));
  expect(parser.next()).toEqual({ type: "switched", bytes: Buffer.from(head) });
  expect(parser.next()).toBeUndefined();
  expect(parser.rest()?.toString()).toBe("raw bytes");
});

test("a cut stream gives the same bytes and the same end", () => {
  const wire = Buffer.from(
    `HTTP/1.1 103 Early\r\n\r\n${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n`,
  );
  fc.assert(
    fc.property(fc.array(fc.nat(wire.length), { maxLength: 10 }), (cuts) => {
      const parser = new ResponseParser();
      parser.expect({ method: "GET", upgrade: [] });
      const points = [0, ...cuts.sort((a, b) => a - b), wire.length];
      const events = points
        .slice(1)
        .flatMap((end, i) => eventsOf(parser, wire.subarray(points[i], end)));
      expect(bytesOf(events)).toBe(wire.toString("latin1"));
      expect(events.at(-1)).toEqual({ type: "end", keepAlive: true });
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("random bytes never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const wire = Buffer.from(bytes);
      follow(wire.toString("latin1"));
      follow(`${OK}Transfer-Encoding: chunked\r\n\r\n${wire.toString("latin1")}`);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
