import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { argumentFault, argumentOffset, stringAt, wireBytes } from "./arguments.ts";
import { displayError } from "./display-error.ts";
import { INTERFACES, messagesOf } from "./interfaces.ts";
import type { Message } from "./interfaces.ts";
import { MAX_MESSAGE } from "./limits.ts";
import { encodeMessage as wire } from "./encode-message.ts";

const all = [...INTERFACES].flatMap((name) => messagesOf(name));

function find(wanted: string): Message {
  const found = all.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(wanted);
  return found;
}

function fault(name: string, bytes: Buffer): string | undefined {
  return argumentFault(wireBytes(bytes), 0, bytes.length, find(name));
}

const offer = "wl_data_offer.offer";
const bind = "wl_registry.bind";

test.each<[string, string, Buffer, string | undefined]>([
  ["a plain message", "wl_surface.damage", wire(3, 2, 0, 0, 1, 1), undefined],
  ["too short", "wl_surface.damage", wire(3, 2, 0, 0, 1), "20 bytes instead of 24"],
  ["too long", "wl_surface.damage", wire(3, 2, 0, 0, 1, 1, 0), "28 bytes instead of 24"],
  ["an object that may be null", "wl_surface.attach", wire(3, 1, 0, 0, 0), undefined],
  [
    "an object that may not",
    "wl_shell_surface.resize",
    wire(3, 2, 0, 0, 0),
    "no object where one is required",
  ],
  ["no new id", "wl_display.sync", wire(1, 0, 0), "no new id"],
  ["a string", offer, wire(3, 0, "text/plain"), undefined],
  ["a string of a whole word", offer, wire(3, 0, "abc"), undefined],
  ["a null string", offer, wire(3, 0, null), "no string where one is required"],
  ["a null string where it may be", "wl_data_source.target", wire(3, 0, null), undefined],
  ["an empty string", offer, wire(3, 0, ""), undefined],
  [
    "a NUL inside a string",
    offer,
    wire(3, 0, "a\0b"),
    "a string that does not end with its first NUL",
  ],
  [
    "a string without NUL",
    offer,
    wire(3, 0, Buffer.from("abcd")),
    "a string that does not end with its first NUL",
  ],
  ["words behind a string", offer, wire(3, 0, "abc", 1), "4 bytes behind its arguments"],
  ["a string that is longer than its message", offer, wire(3, 0, 99), "an argument of 99 bytes"],
  ["a length of nearly 4 GiB", offer, wire(3, 0, 0xffff_ffff), "an argument of 4294967295 bytes"],
  [
    "a string without its padding",
    offer,
    wire(3, 0, 2, 0x61).subarray(0, 14),
    "too few bytes for its arguments",
  ],
  ["an array", "wl_keyboard.enter", wire(3, 1, 1, 2, Buffer.from("12345")), undefined],
  ["a bind", bind, wire(2, 0, 1, "wl_shm", 1, 3), undefined],
  ["a bind without its id", bind, wire(2, 0, 1, "wl_shm", 1), "too few bytes for its arguments"],
])("%s", (_what, name, bytes, expected) => {
  expect(fault(name, bytes)).toBe(expected);
});

test("arguments behind strings are found", () => {
  const bytes = wireBytes(wire(2, 0, 1, "wl_compositor", 4, 9));
  const place = (index: number) => argumentOffset(bytes, 0, find(bind), index);
  expect(stringAt(bytes, place(1))).toBe("wl_compositor");
  expect([place(2), place(3)].map((at) => bytes.view.getUint32(at, true))).toEqual([4, 9]);
});

describe("a message of any signature", () => {
  const filled = fc.constantFrom(...all).chain((message) =>
    fc.record({
      message: fc.constant(message),
      bytes: fc
        .tuple(
          ...message.args
            .replaceAll("h", "")
            .split("")
            .map((letter) =>
              /s/i.test(letter)
                ? fc.stringMatching(/^[a-z]{0,9}$/)
                : /a/i.test(letter)
                  ? fc.uint8Array({ minLength: 1, maxLength: 9 }).map((array) => Buffer.from(array))
                  : fc.integer({ min: 1, max: 0xffff_ffff }),
            ),
        )
        .map((values) => wire(7, 0, ...values)),
    }),
  );

  test("has no fault when it is filled, and one when a byte is cut off or added", () => {
    fc.assert(
      fc.property(filled, ({ message, bytes }) => {
        const view = wireBytes(bytes);
        expect(argumentFault(view, 0, bytes.length, message)).toBeUndefined();
        const more = wireBytes(Buffer.concat([bytes, Buffer.alloc(4)]));
        expect(argumentFault(more, 0, bytes.length + 4, message)).toBeDefined();
        if (bytes.length > 8) {
          expect(argumentFault(view, 0, bytes.length - 4, message)).toBeDefined();
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("that tells of an error is well-formed and not too long, whatever the text", () => {
    const text = fc.oneof(fc.string(), fc.string({ minLength: 4_000, maxLength: 5_000 }));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 0xffff_ffff }), (said, object) => {
        const told = said.replaceAll("\0", "");
        const bytes = displayError(object, 0, told);
        expect(bytes.length).toBeLessThanOrEqual(MAX_MESSAGE);
        expect(fault("wl_display.error", bytes)).toBeUndefined();
        const shown = Buffer.from(stringAt(wireBytes(bytes), 16), "latin1");
        expect(Buffer.from(told).subarray(0, shown.length)).toEqual(shown);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  test("with any bytes has a fault or ends at its end", () => {
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.uint8Array({ maxLength: 40 }), (message, random) => {
        const bytes = Buffer.concat([Buffer.alloc(8), random.subarray(0, random.length & ~3)]);
        if (argumentFault(wireBytes(bytes), 0, bytes.length, message) !== undefined) return;
        const end = argumentOffset(wireBytes(bytes), 0, message, message.args.length);
        expect(end).toBe(bytes.length);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});
