import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { HeadReader } from "./head-reader.ts";
import type { HeadLines } from "./head-reader.ts";
import { Input } from "./input.ts";

const STRICT = { bytes: 4096, lines: 8, bareLineFeed: false };

/** Heads that are read from pieces, each of which comes at once, or the errors thrown. */
function readAll(reader: HeadReader, ...pieces: readonly string[]): (HeadLines | string)[] {
  const input = new Input();
  const all: (HeadLines | string)[] = [];
  for (const piece of pieces) {
    input.push(Buffer.from(piece, "latin1"));
    try {
      for (let head = reader.read(input); head !== undefined; head = reader.read(input)) {
        all.push(head);
      }
    } catch (error) {
      return [...all, String(error)];
    }
    input.keep();
  }
  return all;
}

function fieldsOf(head: HeadLines | string | undefined): HeadLines["fields"] | undefined {
  return typeof head === "object" ? head.fields : undefined;
}

describe("heads with the same fields, to the byte,", () => {
  test("share them, whatever their start lines", () => {
    const [a, b, c] = readAll(
      new HeadReader(STRICT),
      "GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST /longer HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: y\r\n\r\n",
    );
    expect(a).toEqual({
      startLine: "GET / HTTP/1.1",
      fields: [{ name: "Host", lower: "host", value: "x" }],
    });
    expect(b).toMatchObject({ startLine: "POST /longer HTTP/1.1" });
    expect(fieldsOf(b)).toBe(fieldsOf(a));
    expect(fieldsOf(c)).not.toEqual(fieldsOf(a));
  });

  test("share none when these are large", () => {
    const head = `GET / HTTP/1.1\r\nCookie: ${"x".repeat(2048)}\r\n\r\n`;
    const [a, b] = readAll(new HeadReader(STRICT), head + head);
    expect(fieldsOf(b)).toEqual(fieldsOf(a));
    expect(fieldsOf(b)).not.toBe(fieldsOf(a));
  });
});

test.each([
  ["a start line that ends with LF alone", "GET / HTTP/1.1\nHost: x\r\n\r\n"],
  ["a head above the limit", `GET /${"x".repeat(4096)} HTTP/1.1\r\nHost: x\r\n\r\n`],
])("%s is refused behind a good one with the same fields", (_, bad) => {
  const good = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  const alone = readAll(new HeadReader(STRICT), bad);
  expect(alone).toEqual([expect.stringContaining("HttpSyntaxError")]);
  expect(readAll(new HeadReader(STRICT), good + bad).slice(1)).toEqual(alone);
});

test("a head is read as if it were the first, whatever came before and however it is cut", () => {
  const line = fc.constantFrom("a: 1", "a: 2", "b:", "b: 1\r", " folded", "", "a: 1\n", "a: 1\0");
  const fields = fc.array(line, { maxLength: 3 });
  const head = fc
    .tuple(fc.constantFrom("GET / HTTP/1.1", "X", "", "HTTP/1.1 200", "A\r"), fields)
    .map(([start, rest]) => `${[start, ...rest].join("\r\n")}\r\n\r\n`);
  const repeated = fc
    .tuple(fc.array(head, { minLength: 1, maxLength: 2 }), fc.array(fc.nat(1), { maxLength: 6 }))
    .map(([heads, order]) => order.map((index) => heads[index] ?? heads[0] ?? ""));
  fc.assert(
    fc.property(repeated, fc.nat(100), fc.boolean(), (heads, cut, bareLineFeed) => {
      const limits = { ...STRICT, bareLineFeed };
      const wire = heads.join("");
      const apart: (HeadLines | string)[] = [];
      for (let rest = new Input(), first = true; first || rest.length > 0; first = false) {
        if (first) rest.push(Buffer.from(wire, "latin1"));
        try {
          const one = new HeadReader(limits).read(rest);
          if (one === undefined) break;
          apart.push(one);
        } catch (error) {
          apart.push(String(error));
          break;
        }
      }
      const reader = new HeadReader(limits);
      expect(readAll(reader, wire.slice(0, cut), wire.slice(cut))).toEqual(apart);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
