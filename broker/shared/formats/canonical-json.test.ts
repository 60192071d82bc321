import { expect, it } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

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
