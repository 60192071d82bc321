import { expect, test } from "vitest";
import { enteredNames } from "./entered-names.ts";

type Inside = (name: string) => { sh: () => void };

const SOURCE = `const OWN = "own";
  check("a.b", "it", async ({ inside }) => {
    inside("first").sh();
    inside(OWN).sh(); inside("first");
  });
`;

test("names and constants are told with their places", () => {
  const body = { toString: () => "" };
  expect(enteredNames(body, SOURCE)).toEqual([]);
  const OWN = "own";
  const check = async ({ inside }: { inside: Inside }) => {
    inside("first").sh();
    inside(OWN).sh();
    inside("first");
    await Promise.resolve();
  };
  const text = Function.prototype.toString.call(check);
  expect(enteredNames(check, `const OWN = "own";\n\n  const check = ${text}`)).toEqual([
    { name: "first", at: "4:5" },
    { name: "own", at: "5:5" },
  ]);
  expect(enteredNames(check, "another text")).toEqual([{ name: "first" }]);
});

test("a name that is made, and a check that boots with other containers, tell nothing", () => {
  const made = (inside: Inside, of: string) => inside(`${of}-client`);
  const variable = (inside: Inside, name: string) => inside(name);
  const boots = (inside: Inside, bootAppengine: () => void) => {
    bootAppengine();
    inside("other");
  };
  for (const body of [made, variable, boots]) expect(enteredNames(body, "")).toEqual([]);
});
