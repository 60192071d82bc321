import { expect, test } from "vitest";
import { ordered } from "./scenario-order.ts";
import type { Order } from "./scenario-order.ts";

const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
const former = {
  scenarios: new Map([
    ["a", 1],
    ["b", 30],
    ["c", 20],
    ["d", 30],
  ]),
};

function order(order: Order, repetition = 1, of = names): string {
  const selected = of.map((name) => ({ scenario: { name } }));
  return ordered(selected, order, repetition, former)
    .map(({ scenario }) => scenario.name)
    .join("");
}

test("scenarios begin as they were selected, unless asked otherwise", () => {
  expect(order("given")).toBe("abcdefgh");
});

test("the longest begins first, and before it those that never ran", () => {
  expect(order("longest first")).toBe("efghbdca");
});

test("a seed tells the order, another in each repetition, whatever the order of selection", () => {
  const first = order({ shuffle: 1 });
  expect(first).not.toBe("abcdefgh");
  expect(order({ shuffle: 1 }, 1, names.toReversed())).toBe(first);
  expect(order({ shuffle: 1 }, 2)).not.toBe(first);
  expect(order({ shuffle: 2 })).not.toBe(first);
  expect(first.split("").sort().join("")).toBe("abcdefgh");
});

test("scenarios of a share count together", () => {
  const selected = [
    { scenario: { name: "d" } },
    { scenario: { name: "a", shares: "s" } },
    { scenario: { name: "c", shares: "s" } },
    { scenario: { name: "b", shares: "s" } },
  ];
  const inOrder = ordered(selected, "longest first", 1, former);
  expect(inOrder.map(({ scenario }) => scenario.name).join("")).toBe("acbd");
});
