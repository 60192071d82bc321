import fc from "fast-check";
import { expect, it } from "vitest";
import { PROPERTY_RUNS } from "./property-runs.fixture.ts";
import { parseUntrusted } from "./json-depth.ts";

it("text that is not too deep is parsed as by JSON.parse", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      expect(parseUntrusted(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

it("any text is a value as deep as allowed at most, or an Error", () => {
  const piece = fc.constantFrom("[", "]", "{", "}", '"', "\\", ":", ",", '"a":', "1", "[[[[[[[[");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join("");
      let value: unknown;
      try {
        value = parseUntrusted(text);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        const isDeep = /deeper/.test((error as Error).message);
        // A text that is refused for its depth has more than 64 opening brackets.
        if (isDeep) expect(text.replace(/[^[{]/g, "").length).toBeGreaterThan(64);
        else expect(() => JSON.parse(text) as unknown).toThrow();
        return;
      }
      expect(value).toEqual(JSON.parse(text));
    }),
    { numRuns: PROPERTY_RUNS },
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
