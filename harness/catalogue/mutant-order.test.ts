import { expect, test } from "vitest";
import { longestFirst } from "./mutant-order.ts";
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
