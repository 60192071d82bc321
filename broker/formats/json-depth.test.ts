import fc from "fast-check";
import { expect, it } from "vitest";
import { parseUntrusted } from "./json-depth.ts";

it("what is not too deep is parsed as ever", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      expect(parseUntrusted(text)).toEqual(JSON.parse(text));
    }),
  );
});

it.each(["[]", "{}"])("64 levels of %s pass, 65 do not", ([open = "", close = ""]) => {
  const key = open === "{" ? '"a":' : "";
  const nested = (levels: number) =>
    `${`${open}${key}`.repeat(levels - 1)}${open}${close}${close.repeat(levels - 1)}`;
  expect(() => parseUntrusted(nested(64))).not.toThrow();
  expect(() => parseUntrusted(nested(65))).toThrow("nested deeper than 64 levels");
});

it("brackets in a text do not count", () => {
  const text = JSON.stringify({ a: '[{"'.repeat(100), b: `${"\\".repeat(99)}"` });
  expect(parseUntrusted(text)).toEqual(JSON.parse(text));
});
