import fc from "fast-check";
import { expect, test } from "vitest";
import { printable, printableLine } from "./printable.ts";

const ACTIVE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

test("escape sequences, OSC strings and C1 controls disappear, the text stays", () => {
  expect(printable("a\u001b[31mb\u001b[0mc")).toBe("abc");
  expect(printable("a\u001b]0;title\u0007b")).toBe("ab");
  expect(printable("a\u009b2Jb")).not.toMatch(ACTIVE);
  expect(printable("one\r\ntwo\rthree\tfour")).toBe("one\ntwothree\tfour");
  expect(printable("admin\u202enimda")).toBe("adminnimda");
});

test("no text keeps a character that acts", () => {
  const hostile = fc.string({
    unit: fc.oneof(
      fc.constantFrom("\u001b", "[", "]", ";", "\u0007", "\u009b", "\u009d", "\u009c", "\\", "m"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    ),
  });
  fc.assert(
    fc.property(hostile, (text) => {
      expect(printable(text)).not.toMatch(ACTIVE);
      expect(printableLine(text)).not.toContain("\n");
    }),
  );
});

test("a line is cut at its limit", () => {
  expect(printableLine(`a\n  b\t${"c".repeat(100)}`, 10)).toBe("a b ccccc…");
});

test("a cut leaves no half of a character", () => {
  expect(printableLine(`abc😀${"d".repeat(10)}`, 5)).toBe("abc…");
  expect(printableLine(`abc😀${"d".repeat(10)}`, 6)).toBe("abc😀…");
});
