import { describe, expect, it } from "vitest";
import { assignGroups, parseGroups } from "./groups.ts";

const defaults = parseGroups(["data", "root", "platform", "app"].map((name) => ({ name })));
const assign = (members: { name: string; group?: string }[], source: "default" | "device") =>
  Object.fromEntries(
    [...assignGroups(members, defaults, source)].map(([name, { group }]) => [name, group]),
  );

describe("with the default groups", () => {
  it("the alphabetically first unassigned container goes to an empty root, the rest to platform", () => {
    expect(assign([{ name: "c" }, { name: "a" }, { name: "b" }], "default")).toEqual({
      a: "root",
      b: "platform",
      c: "platform",
    });
  });

  it("all go to platform when root is taken", () => {
    expect(assign([{ name: "a" }, { name: "r", group: "root" }], "default")).toEqual({
      a: "platform",
      r: "root",
    });
  });
});

it("with a device's own groups an unassigned container goes to the last, with a warning", () => {
  const assigned = assignGroups([{ name: "a" }], defaults, "device").get("a");
  expect(assigned?.group).toBe("app");
  expect(assigned?.warning).toContain("'a'");
});

it("an unknown group is refused with the container named", () => {
  expect(() => assign([{ name: "a", group: "nosuch" }], "default")).toThrow(
    "a/run.json: group: unknown group 'nosuch'",
  );
});

it("missing attributes have defaults", () => {
  expect(parseGroups([{ name: "x" }])).toEqual([
    { name: "x", restart_policy: "container", status_goal: "STARTED" },
  ]);
});
