import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { CHUNK_END, chunkStart, lastChunk } from "./body-decoder.ts";
import { field } from "./fields.ts";
import { carelessRequestFraming } from "./careless-framing.quirk.ts";
import { fieldsText, requestLineText } from "./request-head.ts";
import { RequestParser } from "./request-parser.ts";
import type { RequestEvent } from "./request-parser.ts";

/** Events of one piece, whose memory is then used for something else, as in a session. */
function eventsOf(parser: RequestParser, piece: Buffer): RequestEvent[] {
  const lent = Buffer.from(piece);
  const events: RequestEvent[] = [];
  parser.push(lent);
  for (let event = parser.next(); event !== undefined; event = parser.next()) {
    const { type } = event;
    events.push(type === "data" ? { type, bytes: Buffer.from(event.bytes) } : event);
  }
  parser.keep();
  lent.fill("#");
  return events;
}

/** Events with the data of one body joined: how it was cut does not matter. */
function parse(pieces: readonly Buffer[], parser = new RequestParser()): unknown[] {
  const events: unknown[] = [];
  let data = "";
  const flush = () => {
    if (data !== "") events.push({ type: "data", text: data });
    data = "";
  };
  for (const piece of pieces) {
    for (const event of eventsOf(parser, piece)) {
      if (event.type === "data") {
        data += event.bytes.toString("latin1");
        continue;
      }
      flush();
      events.push(event);
    }
  }
  flush();
  return events;
}

function text(...lines: string[]): Buffer[] {
  return [Buffer.from(lines.join("\r\n"), "latin1")];
}

function outcome(pieces: readonly Buffer[]): RequestEvent | undefined {
  const parser = new RequestParser();
  return pieces.flatMap((piece) => eventsOf(parser, piece))[0];
}

function refusal(pieces: readonly Buffer[]): number | undefined {
  const event = outcome(pieces);
  return event?.type === "refused" ? event.status : undefined;
}

describe("a request", () => {
  test("without body is a head and an end", () => {
    expect(parse(text("GET /info HTTP/1.1", "Host: x", "A:  b\t", "", ""))).toEqual([
      {
        type: "head",
        head: {
          method: "GET",
          target: "/info",
          version: "1.1",
          fields: [
            { name: "Host", lower: "host", value: "x" },
            { name: "A", lower: "a", value: "b" },
          ],
        },
        framing: { kind: "none" },
      },
      { type: "end", trailers: [] },
    ]);
  });

  test("follows another on the same connection, also after one empty line", () => {
    const events = parse(text("", "GET /1 HTTP/1.1", "", "", "GET /2 HTTP/1.0", "", ""));
    expect(events).toMatchObject([
      { head: { target: "/1" } },
      { type: "end" },
      { head: { target: "/2", version: "1.0" } },
      { type: "end" },
    ]);
  });

  test.each(["", "x", "x:80", "x:", "[::1]:80", "[v1.a:b]", "a_b.example", "%2Frun%2Fx.sock"])(
    "may be for host %j",
    (host) => {
      expect(outcome(text("GET / HTTP/1.1", `Host: ${host}`, "", ""))?.type).toBe("head");
    },
  );

  test("may carry its body by length or in chunks, with trailers", () => {
    expect(parse(text("POST / HTTP/1.1", "Content-Length: 5", "", "abcde"))).toMatchObject([
      { framing: { kind: "length", length: 5 } },
      { text: "abcde" },
      { type: "end" },
    ]);
    const chunked = text("POST / HTTP/1.1", "Transfer-Encoding: chunked", "");
    const body = text("", "3;ext=1", "abc", "A", "0123456789", "0", "T: v", "", "");
    expect(parse([...chunked, ...body])).toMatchObject([
      { framing: { kind: "chunked" } },
      { text: "abc0123456789" },
      { type: "end", trailers: [{ name: "T", lower: "t", value: "v" }] },
    ]);
  });
});

describe("what could be read in two ways is refused with 400", () => {
  const post = (...fields: string[]) => text("POST / HTTP/1.1", "Host: x", ...fields, "", "");
  test.each([
    ["length and chunked", post("Content-Length: 5", "Transfer-Encoding: chunked")],
    ["chunked and length", post("Transfer-Encoding: chunked", "Content-Length: 5")],
    ["two lengths", post("Content-Length: 5", "Content-Length: 6")],
    ["the same length twice", post("Content-Length: 5", "content-length: 5")],
    ["a list of lengths", post("Content-Length: 5, 5")],
    ["a signed length", post("Content-Length: +5")],
    ["a negative length", post("Content-Length: -1")],
    ["a hexadecimal length", post("Content-Length: 0x5")],
    ["an empty length", post("Content-Length: ")],
    ["a length that no number holds", post("Content-Length: 9999999999999999")],
    ["space before the colon", post("Content-Length : 5")],
    ["a folded line", post("Content-Length: 5", " 6")],
    ["a folded line after a tab", post("X: a", "\tX-PV-Role: admin")],
    ["an underscore length", post("Content_Length: 5")],
    ["an underscore transfer encoding", post("Transfer_Encoding: chunked")],
    ["another coding", post("Transfer-Encoding: gzip, chunked")],
    ["a coding spelt with a prefix", post("Transfer-Encoding: xchunked")],
    ["a coding twice", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")],
    ["identity beside a length", post("Transfer-Encoding: identity", "Content-Length: 3")],
    ["a coding after identity", post("Transfer-Encoding: identity", "Transfer-Encoding: chunked")],
    ["a coding with a vertical tab", post("Transfer-Encoding: \x0bchunked")],
    ["a coding in HTTP/1.0", text("POST / HTTP/1.0", "Transfer-Encoding: chunked", "", "")],
    ["two hosts", post("Host: y")],
    ["a host with a space", text("GET / HTTP/1.1", "Host: a b", "", "")],
    ["a list of hosts", text("GET / HTTP/1.1", "Host: a, b", "", "")],
    ["a host with a path", text("GET / HTTP/1.1", "Host: a/b", "", "")],
    ["a host with user information", text("GET / HTTP/1.1", "Host: a@b", "", "")],
    ["a host with a backslash", text("GET / HTTP/1.0", "Host: a\\b", "", "")],
    ["a host with a port that is no number", text("GET / HTTP/1.1", "Host: a:b", "", "")],
    ["a host in another encoding", text("GET / HTTP/1.1", "Host: \xe9", "", "")],
    ["a NUL in a value", post("X: a\0b")],
    ["a bare CR in a value", post("X: a\rContent-Length: 5")],
    ["a NUL in a name", post("X\0: a")],
    ["a name with a space", post("X Y: a")],
    ["no name", post(": a")],
    ["no colon", post("X")],
    ["bare LF", [Buffer.from("GET / HTTP/1.1\nHost: x\n\n")]],
    ["bare LF in the middle", post("X: a\nContent-Length: 5")],
    ["a double space in the request line", text("GET  / HTTP/1.1", "", "")],
    ["a target with a control character", text("GET /\x01 HTTP/1.1", "", "")],
    ["no version", text("GET /", "", "")],
    ["two empty lines first", text("", "", "GET / HTTP/1.1", "", "")],
    ["a space before the method", text(" GET / HTTP/1.1", "", "")],
  ])("%s", (_name, pieces) => {
    expect(refusal(pieces)).toBe(400);
  });

  test.each([
    ["a signed size", "+3"],
    ["a prefixed size", "0x3"],
    ["an empty size", ""],
    ["a negative size", "-1"],
    ["a size with a space", "3 "],
    ["a size that no number holds", "FFFFFFFFFFFFFFFF"],
    ["a size line ended by LF", "3\nabc"],
    ["an extension above 1 KiB", `3;${"x".repeat(2000)}`],
    ["an extension with a control character", "3;\x01"],
  ])("chunks: %s", (_name, size) => {
    const pieces = text("POST / HTTP/1.1", "Transfer-Encoding: chunked", "", size, "abc", "0", "");
    expect(parse(pieces).at(-1)).toMatchObject({ type: "refused", part: "body", status: 400 });
  });

  test("chunks: longer than their size", () => {
    const pieces = text("POST / HTTP/1.1", "Transfer-Encoding: chunked", "", "3", "abcd", "0", "");
    expect(parse(pieces).at(-1)).toMatchObject({ type: "refused", part: "body", status: 400 });
  });

  test("after a refusal the parser says nothing more", () => {
    const parser = new RequestParser();
    expect(parse(text("bad", "", ""), parser)).toHaveLength(1);
    expect(parse(text("GET / HTTP/1.1", "", ""), parser)).toEqual([]);
    expect(parser.position).toBe("refused");
  });
});

describe("limits", () => {
  test("a head above 64 KiB is refused with 431 before it is complete", () => {
    expect(refusal([Buffer.from(`GET / HTTP/1.1\r\nX: ${"a".repeat(65_536)}`)])).toBe(431);
  });

  test("100 fields pass, 101 are refused with 431", () => {
    const fields = (count: number) => Array.from({ length: count }, (_, i) => `X${i}: v`);
    expect(outcome(text("GET / HTTP/1.1", ...fields(100), "", ""))?.type).toBe("head");
    expect(refusal(text("GET / HTTP/1.1", ...fields(101), "", ""))).toBe(431);
  });

  test("trailers above 8 KiB are refused with 431", () => {
    const pieces = text("POST / HTTP/1.1", "Transfer-Encoding: chunked", "", "0", "");
    const trailer = Buffer.from(`T: ${"a".repeat(9000)}`);
    expect(parse([...pieces, trailer]).at(-1)).toMatchObject({ type: "refused", status: 431 });
  });

  test("another HTTP version is refused with 505", () => {
    expect(refusal(text("PRI * HTTP/2.0", "", ""))).toBe(505);
  });
});

test("the position tells where the stream ends", () => {
  const parser = new RequestParser();
  expect(parser.position).toBe("idle");
  parse(text("POST / HTTP/1.1"), parser);
  expect(parser.position).toBe("head");
  parse(text("", "Content-Length: 2", "", "a"), parser);
  expect(parser.position).toBe("body");
  parse(text("b"), parser);
  expect(parser.position).toBe("idle");
});

test("the careless framing of rest-smuggling lets contradictions through", () => {
  const parser = new RequestParser(carelessRequestFraming);
  const request = text(
    "POST / HTTP/1.1",
    "Content-Length: 99",
    "Transfer-Encoding: chunked",
    "",
    "0",
    "",
    "",
  );
  expect(parse(request, parser)).toMatchObject([{ framing: { kind: "chunked" } }, { type: "end" }]);
});

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/);
const value = fc
  .stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,20}$/)
  .map((text) => text.replace(/^[\t ]+|[\t ]+$/g, ""));
const anyField = fc
  .record({ name: token, value })
  .map(({ name, value }) => field(name, value))
  .filter(({ name }) => !/^(host|(content|transfer)[^a-z0-9](length|encoding))$/i.test(name));
const request = fc.record({
  method: token,
  target: fc.stringMatching(/^[\x21-\x7e]{1,20}$/),
  fields: fc.array(anyField, { maxLength: 8 }),
  body: fc.oneof(
    fc.constant(undefined),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.array(
      fc.uint8Array({ minLength: 1, maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      { maxLength: 5 },
    ),
  ),
});

function serialise({
  method,
  target,
  fields,
  body,
}: typeof request extends fc.Arbitrary<infer T> ? T : never) {
  const framed = (name: string, value: string) => [...fields, field(name, value)];
  if (body === undefined) {
    return {
      head: { method, target, version: "1.1" as const, fields },
      body: Buffer.alloc(0),
      content: "",
    };
  }
  if (Buffer.isBuffer(body)) {
    const head = {
      method,
      target,
      version: "1.1" as const,
      fields: framed("Content-Length", String(body.length)),
    };
    return { head, body, content: body.toString("latin1") };
  }
  const head = {
    method,
    target,
    version: "1.1" as const,
    fields: framed("Transfer-Encoding", "chunked"),
  };
  const chunks = body.map((bytes) => [
    chunkStart(bytes.length),
    bytes.toString("latin1"),
    CHUNK_END,
  ]);
  const wire = Buffer.from([...chunks.flat(), lastChunk([])].join(""), "latin1");
  return { head, body: wire, content: Buffer.concat(body).toString("latin1") };
}

test("what is written is read back, however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(request, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(400), { maxLength: 12 }),
      (requests, cuts) => {
        const messages = requests.map(serialise);
        const wire = Buffer.concat(
          messages.flatMap(({ head, body }) => [
            Buffer.from(requestLineText(head) + fieldsText(head.fields), "latin1"),
            body,
          ]),
        );
        const expected = messages.flatMap(({ head, content }) => [
          expect.objectContaining({ type: "head", head }) as unknown,
          ...(content === "" ? [] : [{ type: "data", text: content }]),
          { type: "end", trailers: [] },
        ]);
        expect(parse(cutAt(wire, cuts))).toEqual(expected);
      },
    ),
    { numRuns: PROPERTY_RUNS },
  );
});

test("random bytes never throw, and cutting them changes nothing", () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(
        fc.constantFrom(
          "GET / HTTP/1.1",
          "\r\n",
          "\n",
          ": ",
          "Content-Length",
          "5",
          "0",
          "chunked",
          "\0",
          " ",
          "Transfer-Encoding",
        ),
        { maxLength: 25 },
      )
      .map((words) => Buffer.from(words.join(""), "latin1")),
  );
  fc.assert(
    fc.property(noise, fc.array(fc.nat(300), { maxLength: 8 }), (bytes, cuts) => {
      expect(parse(cutAt(bytes, cuts))).toEqual(parse([bytes]));
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const points = [
    0,
    ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
    bytes.length,
  ];
  return points.slice(1).map((end, i) => bytes.subarray(points[i], end));
}
