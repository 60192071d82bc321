import { expect, test } from "vitest";
import { unitsOf } from "./units.ts";

const shares: Readonly<Record<string, string>> = { b: "s", d: "s", e: "t" };
const units = (names: string) => unitsOf(names.split(" "), (name) => shares[name]);

test("scenarios of a share run in one process, in their order, at the place of the first", () => {
  expect(units("a b c d")).toEqual([
    { scenarios: ["a"] },
    { share: "s", scenarios: ["b", "d"] },
    { scenarios: ["c"] },
  ]);
  expect(units("d c b")).toEqual([{ share: "s", scenarios: ["d", "b"] }, { scenarios: ["c"] }]);
});

test("the only one of its share has a process of its own", () => {
  expect(units("e b")).toEqual([{ scenarios: ["e"] }, { scenarios: ["b"] }]);
});
