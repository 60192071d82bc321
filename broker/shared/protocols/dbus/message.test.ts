import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { MAX_EXAMINED_BYTES, MAX_MESSAGE_BYTES } from "./limits.ts";
import { MalformedMessage } from "./malformed-message.ts";
import { stringArguments, stringArrayArgument } from "./message-body.ts";
import { METHOD_CALL, parseHeader } from "./message-header.ts";
import { MessageSplitter } from "./message-splitter.ts";
import { messageParts } from "./message.fixture.ts";
import { checkSignature, skipValue } from "./signature.ts";
import { WireReader } from "./wire-reader.ts";
import { stringArray, strings, writeMessage } from "./write-message.ts";
import type { MessageParts } from "./write-message.ts";

const CALL: MessageParts = {
  type: METHOD_CALL,
  serial: 9,
  path: "/p",
  interface: "a.b",
  member: "C",
  destination: "d.e",
};

/** The messages that a splitter gives, their parts joined; malformed input ends the list. */
function split(chunks: readonly Buffer[], wantsBody: boolean): Buffer[] {
  const splitter = new MessageSplitter(() => wantsBody);
  const messages: Buffer[] = [];
  for (const chunk of chunks) {
    const loan = Buffer.from(chunk);
    splitter.push(loan);
    while (splitter.advance()) {
      const part = splitter.bytes.subarray(splitter.start, splitter.end);
      if (splitter.header === undefined)
        messages.push(Buffer.concat([messages.pop() ?? part, part]));
      else messages.push(Buffer.from(part));
    }
    splitter.keep();
    loan.fill(0xee);
  }
  return messages;
}

function hex(messages: readonly Buffer[]): string[] {
  return messages.map((message) => message.toString("hex"));
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const points = [0, ...at.map((point) => point % (bytes.length + 1)), bytes.length];
  points.sort((a, b) => a - b);
  return points.slice(1).map((point, index) => Buffer.from(bytes.subarray(points[index], point)));
}

describe("a header", () => {
  test("is read as it was written, wherever it is", () => {
    fc.assert(
      fc.property(messageParts, fc.nat(20), (parts, offset) => {
        const message = writeMessage(parts);
        const { body, ...fields } = parts;
        const header = parseHeader(Buffer.concat([Buffer.alloc(offset), message]), offset);
        expect(header).toMatchObject({ ...fields, signature: body?.signature ?? "" });
        expect(header.size).toBe(message.length);
        expect(header.size - header.headerLength).toBe(body?.bytes.length ?? 0);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("is read in the other byte order", () => {
    const words = [
      "42040001 00000009 00000003 0000003d",
      "01016f00 00000002 2f700000 00000000",
      "02017300 00000003 612e6200 00000000",
      "03017300 00000001 43000000 00000000",
      "08016700 01730000 06017300 00000003",
    ];
    const start = Buffer.from(words.join("").replaceAll(" ", ""), "hex");
    // The destination d.e, padding, and the body ":1.7".
    const message = Buffer.concat([
      start.subarray(0, 72),
      Buffer.from("0601730000000003642e6500" + "00000000", "hex"),
      Buffer.from("000000043a312e3700", "hex"),
    ]);
    message.writeUInt32BE(72 - 16 + 12, 12);
    const header = parseHeader(message, 0);
    expect(header).toMatchObject({ littleEndian: false, serial: 3, interface: "a.b", member: "C" });
    expect(header).toMatchObject({ destination: "d.e", size: message.length });
    expect(stringArguments(header, message, 0, 1)).toEqual([":1.7"]);
  });

  const sound = writeMessage(CALL);
  const patch = (at: number, ...bytes: number[]) => {
    const patched = Buffer.from(sound);
    Buffer.from(bytes).copy(patched, at);
    return patched;
  };
  test.each<[string, Buffer]>([
    ["of no byte order", patch(0, 0x78)],
    ["of the wrong byte order", patch(0, 0x42)],
    ["of type 0", patch(1, 0)],
    ["of version 2", patch(3, 2)],
    ["with serial 0", patch(8, 0, 0, 0, 0)],
    ["of a message that is too long", patch(4, 0, 0, 0, 0x7f)],
    ["that is too long", patch(12, 0, 0, 1, 0)],
    ["whose fields end in a field", patch(12, 0x0d)],
    ["with a body and no signature", patch(4, 1)],
    ["with a field of code 0", patch(16, 0)],
    ["with a path twice", patch(32, 1, 1, 0x6f)],
    ["with a member that is no string", patch(0x31, 1, 0x6f)],
    ["with a path without slash", patch(24, 0x70)],
    ["with a NUL in a name", patch(25, 0)],
    ["with a string that does not end", patch(26, 0x70)],
    ["with padding that is not zero", patch(31, 1)],
    ["with an invalid interface", writeMessage({ ...CALL, interface: "a" })],
    ["with an invalid member", writeMessage({ ...CALL, member: "a.b" })],
    ["with an invalid destination", writeMessage({ ...CALL, destination: ":1" })],
    ["with an invalid path", writeMessage({ ...CALL, path: "/a/" })],
    ["without a member", writeMessage({ ...CALL, member: "" })],
    ["without a path", writeMessage({ ...CALL, path: "" })],
    ["of a signal without an interface", writeMessage({ ...CALL, type: 4, interface: "" })],
    ["of a reply to nothing", writeMessage({ ...CALL, type: 2 })],
    ["of an error without name", writeMessage({ ...CALL, type: 3, replySerial: 1 })],
    ["of a reply to serial 0", writeMessage({ ...CALL, type: 2, replySerial: 0 })],
    [
      "of the library's own signal",
      writeMessage({ ...CALL, interface: "org.freedesktop.DBus.Local" }),
    ],
    ["of the library's own path", writeMessage({ ...CALL, path: "/org/freedesktop/DBus/Local" })],
  ])("%s is malformed", (_name, message) => {
    expect(() => parseHeader(message, 0)).toThrow(MalformedMessage);
  });

  // dbus-daemon calls all of these invalid, in unknown fields too.
  test.each<[string, string, number[]]>([
    ["a boolean that is neither", "b", [2, 0, 0, 0]],
    ["an array with one", "ab", [4, 0, 0, 0, 2, 0, 0, 0]],
    ["an array that ends in an item", "an", [3, 0, 0, 0, 1, 0, 2]],
    ["a string that is no UTF-8", "s", [2, 0, 0, 0, 0xc3, 0x28, 0]],
    ["half of a surrogate pair", "s", [3, 0, 0, 0, 0xed, 0xa0, 0x80, 0]],
  ])("with %s in an unknown field is malformed", (_name, signature, value) => {
    const start = Buffer.from([200, signature.length, ...Buffer.from(`${signature}\0`)]);
    const field = Buffer.concat([start, Buffer.alloc(-start.length & 3), Buffer.from(value)]);
    const message = Buffer.concat([sound, field, Buffer.alloc(-field.length & 7)]);
    message.writeUInt32LE(sound.length + field.length - 16, 12);
    expect(() => parseHeader(message, 0)).toThrow(MalformedMessage);
  });

  test("may have unknown fields and an unknown type", () => {
    const field = Buffer.from([200, 5, ...Buffer.from("a{sv}\0"), 0, 0, 0, 0, 0, 0, 0, 0]);
    const message = Buffer.concat([sound, field]);
    message.writeUInt8(9, 1);
    message.writeUInt32LE(message.length - 16, 12);
    expect(parseHeader(message, 0)).toMatchObject({ type: 9, member: "C" });
  });
});

describe("a stream of messages", () => {
  test("is split the same however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(messageParts, { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        fc.boolean(),
        (list, at, wantsBody) => {
          const messages = list.map(writeMessage);
          expect(hex(split(cut(Buffer.concat(messages), at), wantsBody))).toEqual(hex(messages));
        },
      ),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("is split at every byte", () => {
    const messages = [CALL, { ...CALL, body: strings("x".repeat(40)) }, CALL].map(writeMessage);
    const stream = Buffer.concat(messages);
    for (let at = 0; at <= stream.length; at += 1) {
      for (const wantsBody of [true, false]) {
        expect(hex(split(cut(stream, [at]), wantsBody))).toEqual(hex(messages));
      }
    }
  });

  test("gives a long message as it comes, unless its body is wanted", () => {
    const long = writeMessage({ ...CALL, body: strings("x".repeat(MAX_EXAMINED_BYTES)) });
    const first = long.subarray(0, 1_000);
    const passing = new MessageSplitter(() => false);
    passing.push(Buffer.from(first));
    expect(passing.advance()).toBe(true);
    expect(passing.end).toBe(1_000);
    expect(passing.inMessage).toBe(true);
    const examining = new MessageSplitter(() => true);
    examining.push(Buffer.from(first));
    expect(() => examining.advance()).toThrow(MalformedMessage);
  });

  test("random bytes are messages, incomplete or malformed, and nothing else", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(fc.nat(), { maxLength: 3 }),
        (bytes, at) => {
          bytes.set([0x6c, 1, 0, 1].slice(0, bytes.length));
          expectSoundOrMalformed(() => split(cut(Buffer.from(bytes), at), true));
        },
      ),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("so are messages with a few bytes changed", () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(messageParts, fc.array(change, { maxLength: 4 }), (parts, changes) => {
        const message = writeMessage(parts);
        for (const [at, value] of changes) message.writeUInt8(value, at % message.length);
        expectSoundOrMalformed(() => {
          const [first] = split([message], true);
          if (first === undefined) return;
          const header = parseHeader(first, 0);
          stringArguments(header, first, 0, 1);
          stringArrayArgument(header, first, 0);
        });
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("arguments", () => {
  test("are read as they were written", () => {
    const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), (values) => {
        const array = writeMessage({ ...CALL, body: stringArray(values) });
        expect(stringArrayArgument(parseHeader(array, 0), array, 0)).toEqual(values);
        const list = writeMessage({ ...CALL, body: strings(...values) });
        expect(stringArguments(parseHeader(list, 0), list, 0, values.length)).toEqual(values);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("are not there when the signature says otherwise", () => {
    const message = writeMessage({ ...CALL, body: strings("a") });
    const header = parseHeader(message, 0);
    expect(stringArguments(header, message, 0, 2)).toBeUndefined();
    expect(stringArrayArgument(header, message, 0)).toBeUndefined();
  });

  test("that do not fill the body are malformed", () => {
    const message = writeMessage({ ...CALL, body: strings("abc") });
    message.writeUInt32LE(200, message.length - 8);
    expect(() => stringArguments(parseHeader(message, 0), message, 0, 1)).toThrow(MalformedMessage);
  });
});

describe("a signature", () => {
  test.each([
    "",
    "s",
    "a{sv}",
    "(s(iu)a(xt))",
    "aas",
    "vvv",
    "a".repeat(32) + "y",
    // Braces do not count as structures, so dbus-daemon accepts it.
    "a{y(".repeat(32) + "y" + ")}".repeat(32),
  ])("%s is valid", (signature) => {
    expect(() => checkSignature(signature)).not.toThrow();
  });

  test.each([
    "a",
    "()",
    "(s",
    "s)",
    "{sv}",
    "a{vs}",
    "a{s}",
    "a{sss}",
    "z",
    "a".repeat(33) + "y",
    "a{y".repeat(33) + "y" + "}".repeat(33),
    "(".repeat(33) + "y" + ")".repeat(33),
    "y".repeat(256),
  ])("%s is malformed", (signature) => {
    expect(() => checkSignature(signature)).toThrow(MalformedMessage);
  });

  test("and value of random bytes end within them or are malformed", () => {
    const types = fc.stringMatching(/^[ybnqiuxtdhsogva(){}]{0,12}$/);
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: 64 }), (signature, bytes) => {
        expectSoundOrMalformed(() => {
          checkSignature(signature);
          const reader = new WireReader(Buffer.from(bytes), 0, true, 0, bytes.length);
          for (let at = 0; at < signature.length;) at = skipValue(reader, signature, at);
          expect(reader.position).toBeLessThanOrEqual(bytes.length);
        });
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

test("a message of the largest size is one", () => {
  const header = Buffer.from(writeMessage({ ...CALL, body: strings("") }));
  const { headerLength } = parseHeader(header, 0);
  header.writeUInt32LE(MAX_MESSAGE_BYTES - headerLength, 4);
  expect(parseHeader(header, 0).size).toBe(MAX_MESSAGE_BYTES);
  header.writeUInt32LE(MAX_MESSAGE_BYTES - headerLength + 1, 4);
  expect(() => parseHeader(header, 0)).toThrow(MalformedMessage);
});

function expectSoundOrMalformed(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
  }
}
