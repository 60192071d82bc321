import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWellKnownName } from "../../formats/bus-name.ts";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { MalformedMessage } from "./malformed-message.ts";
import { parseHeader } from "./message-header.ts";
import { MessageSplitter } from "./message-splitter.ts";
import { messageParts } from "./message.fixture.ts";
import { isBusName, isInterfaceName, isMemberName, isObjectPath, isUniqueName } from "./names.ts";
import { checkSignature, skipValue, typeEnd } from "./signature.ts";
import { WireReader } from "./wire-reader.ts";
import { writeMessage } from "./write-message.ts";

describe("names", () => {
  /** The specification's rules for a dotted name, applied one by one. */
  function follows(text: string, start: RegExp, more: RegExp, least: number): boolean {
    const elements = text.split(".");
    const sound = (element: string) =>
      start.test(element.charAt(0)) && Array.from(element).every((one) => more.test(one));
    return text.length <= 255 && elements.length >= least && elements.every(sound);
  }

  it("are those of the specification", () => {
    const piece = fc.constantFrom(
      "a",
      "Z",
      "_",
      "-",
      "0",
      ".",
      ":",
      "/",
      "é",
      "\n",
      "x".repeat(250),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join("");
        expect(isInterfaceName(text)).toBe(follows(text, /[A-Za-z_]/, /[A-Za-z0-9_]/, 2));
        const isElement = follows(text, /[A-Za-z_]/, /[A-Za-z0-9_]/, 1) && !text.includes(".");
        expect(isMemberName(text)).toBe(isElement);
        const wellKnown = follows(text, /[A-Za-z_-]/, /[A-Za-z0-9_-]/, 2);
        expect(isWellKnownName(text)).toBe(wellKnown);
        const unique =
          text.startsWith(":") &&
          text.length <= 255 &&
          follows(text.slice(1), /[A-Za-z0-9_-]/, /[A-Za-z0-9_-]/, 2);
        expect(isUniqueName(text)).toBe(unique);
        expect(isBusName(text)).toBe(wellKnown || unique);
        const elements = text.slice(1).split("/");
        const isPath = elements.every((one) => /^\w+$/.test(one) && !/\n/.test(one));
        expect(isObjectPath(text)).toBe(text.startsWith("/") && (text === "/" || isPath));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

/** A complete type, and a function that marshals a value of it with small arrays. */
interface Typed {
  readonly type: string;
  write(to: Marshalled): void;
}

/** Bytes as the specification lays them out, without the help of write-message.ts. */
class Marshalled {
  readonly bytes: number[] = [];

  align(size: number): void {
    while (this.bytes.length % size !== 0) this.bytes.push(0);
  }

  number(size: number, value: number): void {
    this.align(size);
    for (let byte = 0; byte < size; byte += 1) this.bytes.push((value >>> (8 * byte)) & 0xff);
  }
}

const SIZES = { y: 1, n: 2, q: 2, b: 4, i: 4, u: 4, h: 4, x: 8, t: 8, d: 8 };
const fixed = fc
  .constantFrom(...Object.entries(SIZES))
  .map(([type, size]): Typed => ({ type, write: (to) => to.number(size, 1) }));
const text = fc.constantFrom<Typed>(
  { type: "s", write: (to) => writeText(to, "a text", 4) },
  { type: "o", write: (to) => writeText(to, "/a/b", 4) },
  { type: "g", write: (to) => writeText(to, "a{sv}", 1) },
);
const alignmentOf = (type: string): number =>
  ({ ...SIZES, g: 1, v: 1, "(": 8, "{": 8 })[type.charAt(0)] ?? 4;

const { typed } = fc.letrec<{ typed: Typed; container: Typed }>((tie) => ({
  typed: fc.oneof({ maxDepth: 3, withCrossShrink: true }, fixed, text, tie("container")),
  container: fc.oneof(
    fc.tuple(tie("typed"), fc.nat(2)).map(([item, count]) => arrayOf(item, count)),
    fc.array(tie("typed"), { minLength: 1, maxLength: 3 }).map((members): Typed => ({
      type: `(${members.map(({ type }) => type).join("")})`,
      write: (to) => {
        to.align(8);
        for (const member of members) member.write(to);
      },
    })),
    tie("typed").map((value): Typed => ({
      type: "v",
      write: (to) => {
        writeText(to, value.type, 1);
        value.write(to);
      },
    })),
    fc.tuple(fixed, tie("typed"), fc.nat(2)).map(([key, value, count]) =>
      arrayOf(
        {
          type: `{${key.type}${value.type}}`,
          write: (to) => {
            to.align(8);
            key.write(to);
            value.write(to);
          },
        },
        count,
      ),
    ),
  ),
}));

function writeText(to: Marshalled, value: string, size: number): void {
  to.number(size, value.length);
  to.bytes.push(...Buffer.from(`${value}\0`));
}

function arrayOf(item: Typed, count: number): Typed {
  return {
    type: `a${item.type}`,
    write: (to) => {
      to.number(4, 0);
      const at = to.bytes.length - 4;
      to.align(alignmentOf(item.type));
      const from = to.bytes.length;
      for (let index = 0; index < count; index += 1) item.write(to);
      const length = to.bytes.length - from;
      for (let byte = 0; byte < 4; byte += 1) to.bytes[at + byte] = (length >>> (8 * byte)) & 0xff;
    },
  };
}

describe("a value of any type", () => {
  it("is passed over exactly, and its type ends where it ends", () => {
    fc.assert(
      fc.property(fc.array(typed, { minLength: 1, maxLength: 3 }), (values) => {
        const signature = values.map(({ type }) => type).join("");
        if (signature.length > 255) return;
        checkSignature(signature);
        const written = new Marshalled();
        const reader = (bytes: Buffer) => new WireReader(bytes, 0, true, 0, bytes.length);
        const ends: number[] = [];
        for (const value of values) {
          value.write(written);
          ends.push(written.bytes.length);
        }
        const bytes = Buffer.from(written.bytes);
        const all = reader(bytes);
        let at = 0;
        for (const end of ends) {
          const next = skipValue(all, signature, at);
          expect(next).toBe(typeEnd(signature, at));
          expect(all.position).toBe(end);
          at = next;
        }
        expect(at).toBe(signature.length);
        // With the last byte missing, the value must be refused.
        const short = reader(bytes.subarray(0, -1));
        expect(() => {
          for (let from = 0; from < signature.length;) from = skipValue(short, signature, from);
        }).toThrow(MalformedMessage);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

it("a damaged stream gives the same messages and the same end however it is cut", () => {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(
      fc.array(messageParts, { minLength: 1, maxLength: 3 }),
      fc.array(change, { maxLength: 3 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      (list, changes, cuts) => {
        const stream = Buffer.concat(list.map(writeMessage));
        for (const [at, value] of changes) stream.writeUInt8(value, at % stream.length);
        const points = cuts.map((cut) => cut % stream.length).sort((a, b) => a - b);
        const pieces = [0, ...points].map((from, index) => stream.subarray(from, points[index]));
        const whole = outcome([stream]);
        const cut = outcome(pieces);
        // Parts of a message may have been given before it is refused.
        expect(cut.end).toBe(whole.end);
        expect(cut.serials).toEqual(whole.serials);
        expect(cut.bytes.equals(whole.bytes)).toBe(true);
      },
    ),
    { numRuns: PROPERTY_RUNS },
  );
});

function outcome(pieces: readonly Buffer[]) {
  const splitter = new MessageSplitter(() => false);
  const parts: Buffer[] = [];
  const serials: number[] = [];
  let end = "more";
  try {
    for (const piece of pieces) {
      splitter.push(Buffer.from(piece));
      while (splitter.advance()) {
        if (splitter.header !== undefined) serials.push(splitter.header.serial);
        parts.push(Buffer.from(splitter.bytes.subarray(splitter.start, splitter.end)));
      }
      splitter.keep();
    }
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    end = error.message;
  }
  return { end, serials, bytes: Buffer.concat(parts) };
}

it("a header in the other byte order is the same header", () => {
  fc.assert(
    fc.property(messageParts, ({ body: _body, ...parts }) => {
      const little = writeMessage(parts);
      expect(parseHeader(swapped(little), 0)).toEqual({
        ...parseHeader(little, 0),
        littleEndian: false,
      });
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

/** A message without body in big-endian order. */
function swapped(little: Buffer): Buffer {
  const big = Buffer.from(little);
  big[0] = "B".charCodeAt(0);
  const swap = (at: number) => big.subarray(at, at + 4).swap32();
  for (const at of [4, 8, 12]) swap(at);
  const end = 16 + little.readUInt32LE(12);
  for (let at = 16; at < end; at = (at + 7) & ~7) {
    const type = String.fromCharCode(little[at + 2] ?? 0);
    swap(at + 4);
    at += type === "u" ? 8 : 8 + little.readUInt32LE(at + 4) + 1;
  }
  return big;
}
