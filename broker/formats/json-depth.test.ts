import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "./property-runs.fixture.ts";
import { JsonRefused, parseUntrusted } from "./json-depth.ts";

it("what is not too deep is parsed as ever", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value);
      expect(parseUntrusted(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

describe("a key that an object holds twice is refused by its path and position", () => {
  it.each([
    ['{"a":1,"a":2}', "a: comes twice, at position 7"],
    ['{"a":1,"a":1}', "a: comes twice, at position 7"],
    ['{"a":{"b":[0,{"c":1,"d":2,"c":3}]}}', "a.b.1.c: comes twice, at position 26"],
    ['{"a":1,"\\u0061":2}', "a: comes twice, at position 7"],
    ['{"/":1,"\\/":2}', "/: comes twice, at position 7"],
    ['{"__proto__":1,"__proto__":2}', "__proto__: comes twice, at position 15"],
    ['{"constructor":1,"x":{},"constructor":2}', "constructor: comes twice, at position 24"],
    ['{"":1,"":2}', ": comes twice, at position 6"],
    ['{ "a" : [ ] ,\n"a" : 2 }', "a: comes twice, at position 14"],
    ['{"a":"\\"","a":1}', "a: comes twice, at position 10"],
    ['{"\\n":1,"\\n":2}', "\\n: comes twice, at position 8"],
    ['[{"a":1},{"a":1,"a":2}]', "1.a: comes twice, at position 16"],
  ])("%s", (text, message) => {
    expect(() => parseUntrusted(text)).toThrow(new JsonRefused(message));
  });

  it.each(['[{"a":1},{"a":2}]', '{"a":{"a":{"a":"a"}},"b":"a"}', '["a","a"]', '{"a":"b","b":"a"}'])(
    "%s holds none",
    (text) => {
      expect(parseUntrusted(text)).toEqual(JSON.parse(text));
    },
  );

  it("wherever it is put, and however it is escaped", () => {
    const key = fc.string({ minLength: 1, maxLength: 4, unit: "grapheme" });
    const spelled = key.chain((plain) =>
      fc.tuple(...Array.from({ length: 2 }, () => spellingOf(plain))),
    );
    const nest = fc.array(fc.constantFrom("[0,*]", '{"k":*}', '{"j":[],"k":*,"l":"*"}'), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(spelled, nest, ([first, second], shells) => {
        const pair = `{${first ?? ""}:1,"other key":2,${second ?? ""}:3}`;
        const text = shells.reduce((inner, shell) => shell.replace("*", () => inner), pair);
        expect(() => parseUntrusted(text)).toThrow(/: comes twice, at position \d+$/);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("in a name that is kept to one line and a bearable length", () => {
    const key = JSON.stringify("\u001b\n".repeat(1000));
    try {
      parseUntrusted(`{${key}:1,${key}:2}`);
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).not.toMatch(/\p{Cc}/u);
      expect((error as Error).message.length).toBeLessThan(1500);
    }
  });
});

it("a million values pass, more are refused", () => {
  const list = (values: number) => `[${"0,".repeat(values - 2)}0]`;
  expect(parseUntrusted(list(1_000_000))).toHaveLength(999_999);
  expect(() => parseUntrusted(list(1_000_002))).toThrow("holds more than 1000000 values");
});

it("100,000 keys take no longer than 20 times 10,000, and some", () => {
  const keys = (count: number) =>
    `{${Array.from({ length: count }, (_, index) => `"key number ${index}":1`).join(",")}}`;
  const milliseconds = (text: string) => {
    const begin = performance.now();
    parseUntrusted(text);
    return performance.now() - begin;
  };
  const small = keys(10_000);
  parseUntrusted(small);
  const unit = Math.min(...[1, 2, 3].map(() => milliseconds(small)));
  const large = keys(100_000);
  // The best of three: the machine does other things too. Quadratic would be 100 times.
  expect(Math.min(...[1, 2, 3].map(() => milliseconds(large)))).toBeLessThan(20 * unit + 100);
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
        if (/comes twice/.test((error as Error).message)) {
          expect(() => JSON.parse(text) as unknown).not.toThrow();
          return;
        }
        const isDeep = /deeper/.test((error as Error).message);
        // What is refused for its depth has that many brackets at least.
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

/** A key as JSON may spell it: each character as it is or by its number. */
function spellingOf(key: string): fc.Arbitrary<string> {
  const characters = key.split("").map((character) => {
    const number = character.charCodeAt(0).toString(16).padStart(4, "0");
    const plain = JSON.stringify(character).slice(1, -1);
    return fc.constantFrom(plain, `\\u${number}`, `\\u${number.toUpperCase()}`);
  });
  return fc.tuple(...characters).map((pieces) => `"${pieces.join("")}"`);
}
