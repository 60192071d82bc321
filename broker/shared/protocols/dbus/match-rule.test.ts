import fc from "fast-check";
import { expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { eavesdrops, parseMatchRule } from "./match-rule.ts";

test.each<[string, Record<string, string>]>([
  ["", {}],
  ["type='signal'", { type: "signal" }],
  ["type=signal,", { type: "signal" }],
  [" type = signal", { type: " signal" }],
  ["arg0='it'\\''s'", { arg0: "it's" }],
  ["arg0='a,b',arg1=c", { arg0: "a,b", arg1: "c" }],
  ["arg0=\\x", { arg0: "\\x" }],
  ["arg0='\\'", { arg0: "\\" }],
  ["eavesdrop=tr'ue'", { eavesdrop: "true" }],
])("%j is read as dbus-daemon reads it", (text, rule) => {
  expect(Object.fromEntries(parseMatchRule(text) ?? [["not", "a rule"]])).toEqual(rule);
});

test.each([
  "type",
  "=signal",
  "type='signal",
  "type=a,type=b",
  "ty pe=a",
  `arg0=${"x".repeat(1024)}`,
  // dbus-daemon reads arg0 (two backslashes), eavesdrop and arg1; the specification only arg0.
  "arg0=\\\\'',eavesdrop=true,arg1=\\'",
  // dbus-daemon reads all of it as arg0; by the specification the comma ends the value.
  "arg0=\\,eavesdrop=true",
])("%j is no rule", (text) => {
  expect(parseMatchRule(text)).toBeUndefined();
});

test.each([
  ["eavesdrop=true", true],
  ["eavesdrop='true',type=signal", true],
  ["\teavesdrop =true", true],
  ["eavesdrop=t'r'ue", true],
  ["eavesdrop=yes", true],
  ["eavesdrop=false", false],
  ["arg0='eavesdrop=true'", false],
])("whether %j asks for what is not for it: %s", (text, answer) => {
  const rule = parseMatchRule(text);
  expect(rule !== undefined && eavesdrops(rule)).toBe(answer);
});

test("values survive quoting, and no text is a surprise", () => {
  const quote = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
  fc.assert(
    fc.property(fc.string({ maxLength: 100 }), fc.string({ maxLength: 100 }), (value, text) => {
      expect(parseMatchRule(`arg0=${quote(value)},type=signal`)?.get("arg0")).toBe(value);
      parseMatchRule(text);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
