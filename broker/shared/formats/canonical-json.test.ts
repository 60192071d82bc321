import fc from "fast-check";
import { expect, it } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { PROPERTY_RUNS } from "./property-runs.fixture.ts";

it.each<readonly [unknown, string]>([
  [{ b: 1, a: [true, null, "x"] }, '{"a":[true,null,"x"],"b":1}'],
  [{ "\u{1f600}": 1, "\uffff": 2 }, '{"\uffff":2,"\u{1f600}":1}'],
  [
    { backoff_factor: 1.5, max: 2, small: 0.001 },
    '{"backoff_factor":1.5E0,"max":2,"small":1.0E-3}',
  ],
  [{ "#spec": "x", "a/b": {} }, '{"#spec":"x","a/b":{}}'],
])("%j", (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

it("means the same value, whatever the order of keys", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const value: unknown = JSON.parse(json);
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, reversed(one)] as const);
  return Object.fromEntries(entries.toReversed());
}
