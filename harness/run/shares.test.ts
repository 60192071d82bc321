import { expect, test } from "vitest";
import { defineContainer } from "../exports/container-definition.ts";
import type { ContainerDefinition } from "../exports/container-definition.ts";
import { sharesOf } from "./shares.ts";

const scenario = (
  name: string,
  shares: string | undefined,
  containers: readonly (string | ContainerDefinition)[],
  more: { readonly alone?: boolean; readonly boot?: string } = {},
) => ({
  name,
  ...(shares !== undefined && { shares }),
  alone: false,
  boot: "b",
  containers,
  ...more,
});
const container = (name: string, restart: string): ContainerDefinition =>
  defineContainer({ name, args: { PV_RESTART_POLICY: restart } });

test("a share has the containers of all its scenarios, each once", () => {
  const one = container("one", "container");
  const shares = sharesOf([
    scenario("a", "s", ["example", one]),
    scenario("b", "s", [container("one", "container"), "other"]),
    scenario("c", undefined, ["third"]),
  ]);
  expect([...shares]).toEqual([
    ["s", { members: ["a", "b"], containers: ["example", one, "other"] }],
  ]);
});

test("a share of which one scenario is there is none", () => {
  expect(sharesOf([scenario("a", "s", []), scenario("b", "t", [])]).size).toBe(0);
});

test.each([
  ["boots with options of its own", scenario("b", "s", [], { boot: "other" })],
  ["runs alone", scenario("b", "s", [], { alone: true })],
  ["has another container 'one'", scenario("b", "s", [container("one", "system")])],
])("scenarios cannot share where one %s", (why, second) => {
  const shares = sharesOf([scenario("a", "s", [container("one", "container")]), second]);
  expect(shares.get("s")?.problem?.message).toBe(`'s' cannot be shared: b ${why}`);
});
