import { expect, test } from "vitest";
import { drawn, longestFirst } from "./mutant-order.ts";
import type { Mutant } from "./mutants.ts";

const mutants = [
  mutant("one-check", ["a"]),
  mutant("many-checks", ["b", "c", "d"]),
  mutant("slow-check", ["slow"]),
  mutant("timed", ["e"]),
  { ...mutant("no-such", ["f", "g", "h"]), exists: false },
];

test("a mutant that took longer in a former run, or has more to do, comes first", () => {
  const former = {
    checks: new Map([["slow", 20_000]]),
    quirks: new Map([["timed", 90_000]]),
  };
  expect(longestFirst(mutants, former).map(({ quirk }) => quirk)).toEqual([
    "timed",
    "slow-check",
    "many-checks",
    "one-check",
    "no-such",
  ]);
});

function mutant(quirk: string, checks: readonly string[]): Mutant {
  return { quirk, exists: true, scenarios: [{ name: quirk, checks, claims: checks }] };
}

test("a seed draws a tenth, another seed another tenth, and of few one", () => {
  const many = Array.from({ length: 95 }, (_, index) => mutant(`q${index}`, ["a"]));
  const first = drawn(many, 1).map(({ quirk }) => quirk);
  expect(first.length).toBe(10);
  expect(
    drawn(many.toReversed(), 1)
      .map(({ quirk }) => quirk)
      .sort(),
  ).toEqual(first.toSorted());
  expect(drawn(many, 2).map(({ quirk }) => quirk)).not.toEqual(first);
  expect(drawn(many.slice(0, 3), 1).length).toBe(1);
  expect(drawn([], 1)).toEqual([]);
});
