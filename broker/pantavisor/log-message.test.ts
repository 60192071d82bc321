import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { PROPERTY_RUNS } from "../shared/formats/property-runs.fixture.ts";
import { parseLogMessage } from "./log-message.ts";

const INFO = 3;
const parse = (text: string) => parseLogMessage(Buffer.from(text));
const json = (change: object) =>
  JSON.stringify({ version: "0", level: "INFO", src: "app", message: "hello", ...change });
const hello = { level: INFO, source: "app", text: "hello" };

function binary(text: string, { code = 0, length = Buffer.byteLength(text) } = {}): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32LE(code, 0);
  head.writeInt32LE(length, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

describe("a message", () => {
  it.each([
    ["JSON", json({})],
    ["JSON, its level in lower case", json({ level: "info" })],
    ["pairs", "level=INFO src=app message=hello"],
    ["pairs in another order, quoted", '  message="hello" src="app"  level=info\n'],
    ["RFC 3164", "<134>May 15 16:48:18 mydevice app[1234]: hello"],
    ["RFC 3164 as syslog(3) writes it", "<134>May  5 16:48:18 app: hello\n"],
    ["RFC 3164 without a time", "<134>app: hello"],
    ["RFC 5424", "<134>1 2026-05-15T16:48:18Z mydevice app 1234 - - hello"],
    ["RFC 5424 with data", '<134>1 - - app - - [x@1 a="\\]"][y] hello'],
  ])("of %s", (_, text) => {
    expect(parse(text)).toEqual(hello);
  });

  it("of the binary format", () => {
    expect(parseLogMessage(binary("3\0elsewhere\0app\0hello\n"))).toEqual({
      ...hello,
      claimed: "elsewhere",
    });
  });

  it("has blanks, quotes and equals signs in quotes", () => {
    expect(parse('level=WARN src="my app" message="say \\"a=b\\" to all"')).toEqual({
      level: 2,
      source: "my app",
      text: 'say "a=b" to all',
    });
  });

  it.each([
    ["<8>", 0],
    ["<10>", 1],
    ["<11>", 1],
    ["<12>", 2],
    ["<13>", 3],
    ["<15>", 4],
  ])("of priority %s has level %i", (priority, level) => {
    expect(parse(`${priority}app: hello`)?.level).toBe(level);
  });

  it("without a name is one of unknown-app", () => {
    expect(parse("<134>just words")).toEqual({
      ...hello,
      source: "unknown-app",
      text: "just words",
    });
  });
});

describe("it is none", () => {
  it.each([
    ["", ""],
    ["words", "hello"],
    ["JSON that is cut", '{"version":"0"'],
    ["another version", json({ version: "1" })],
    ["level ALL", json({ level: "ALL" })],
    ["no source", json({ src: "" })],
    ["no message", json({ message: undefined })],
    ["pairs without a message", "level=INFO src=app"],
    ["a word behind the pairs", "level=INFO src=app message=hello world"],
    ["an open quote", 'level=INFO src=app message="hello'],
    ["another key", "level=INFO src=app message=hello more=x"],
    ["a key twice", "level=INFO src=app message=hello src=b"],
    ["level ALL in pairs", "level=ALL src=app message=hello"],
    ["a priority that there is not", "<192>app: hello"],
  ])("with %s", (_, text) => {
    expect(parse(text)).toBeUndefined();
  });

  it.each([
    ["another code", binary("3\0p\0app\0hello", { code: 256 })],
    ["a length beyond its end", binary("3\0p\0app\0hello", { length: 1000 })],
    ["a negative length", binary("3\0p\0app\0hello", { length: -1 })],
    ["no source", binary("3\0p")],
    ["another level", binary("9\0p\0app\0hello")],
  ])("with %s in the binary format", (_, bytes) => {
    expect(parseLogMessage(bytes)).toBeUndefined();
  });
});

test.each([
  ["pairs", Buffer.from(`x${" ".repeat(200_000)}x`)],
  ["syslog", Buffer.from(`<134>app: ${" ".repeat(200_000)}x`)],
  ["the binary format", binary(`3\0p\0app\0${"\n".repeat(200_000)}x`)],
])("a large message of blanks takes no time in %s", (_, bytes) => {
  const began = performance.now();
  parseLogMessage(bytes);
  expect(performance.now() - began).toBeLessThan(1_000);
});

test("any bytes are a message or none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const message = parseLogMessage(Buffer.from(bytes));
      expect(message === undefined || message.source !== "").toBe(true);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
