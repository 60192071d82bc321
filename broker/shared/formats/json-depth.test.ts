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

it("hundreds of thousands of keys take a few times what JSON.parse takes for them", () => {
  const texts = [
    `{${keys(200_000, "1")}}`,
    `{${keys(2_000, `{${keys(100, "[]")}}`)}}`,
    `["${"\\\\".repeat(1_000_000)}"]`,
  ];
  for (const text of texts) {
    // CPU time: the machine does other things too. Comparing each with each would take minutes.
    const unit = microseconds(() => JSON.parse(text));
    expect(microseconds(() => parseUntrusted(text))).toBeLessThan(20 * unit + 500_000);
  }
});

function keys(count: number, value: string): string {
  return Array.from({ length: count }, (_, index) => `"key number ${index}":${value}`).join(",");
}

function microseconds(act: () => unknown): number {
  const begin = process.threadCpuUsage();
  act();
  return process.threadCpuUsage(begin).user;
}

/** A key as JSON may spell it: each character as it is or by its number. */
function spellingOf(key: string): fc.Arbitrary<string> {
  const characters = key.split("").map((character) => {
    const number = character.charCodeAt(0).toString(16).padStart(4, "0");
    const plain = JSON.stringify(character).slice(1, -1);
    return fc.constantFrom(plain, `\\u${number}`, `\\u${number.toUpperCase()}`);
  });
  return fc.tuple(...characters).map((pieces) => `"${pieces.join("")}"`);
}
