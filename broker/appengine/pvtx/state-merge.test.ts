import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyState, mergeFragment, removePart } from "./state-merge.ts";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";

const spec = { "#spec": "pantavisor-service-system@1" };
const old = {
  ...spec,
  "groups.json": [],
  "a/run.json": { name: "a" },
  "a/old.file": "1",
  "_config/a/etc/x": "2",
  "_sigs/a.json": {},
  "b/run.json": { name: "b" },
};

describe("merging", () => {
  it("replaces a container whole, with its configuration and signature", () => {
    const merged = mergeFragment(old, { ...spec, "a/run.json": { name: "a", new: true } });
    expect(Object.keys(merged)).toEqual(["#spec", "groups.json", "b/run.json", "a/run.json"]);
  });

  it("of a fragment that configures a container replaces that container", () => {
    const merged = mergeFragment(old, { ...spec, "_config/a/etc/y": "3" });
    expect(Object.keys(merged)).toEqual(["#spec", "groups.json", "b/run.json", "_config/a/etc/y"]);
  });

  it("replaces a top-level document alone", () => {
    const merged = mergeFragment(old, { ...spec, "groups.json": [1] });
    expect(Object.keys(merged)).toHaveLength(Object.keys(old).length);
    expect(merged["groups.json"]).toEqual([1]);
  });

  it("of the same fragment twice is merging it once", () => {
    const part = fc.constantFrom("a", "b", "__proto__");
    const key = fc.oneof(
      fc.tuple(part, fc.constantFrom("run.json", "x/y")).map((pieces) => pieces.join("/")),
      part.map((name) => `_sigs/${name}.json`),
      part.map((name) => `_config/${name}/etc/f`),
      fc.constant("device.json"),
    );
    const fragment = fc.dictionary(key, fc.nat(), { maxKeys: 5 });
    fc.assert(
      fc.property(fragment, fragment, (first, second) => {
        const once = mergeFragment(mergeFragment(emptyState, first), second);
        expect(mergeFragment(once, second)).toEqual(once);
        expect(once["#spec"]).toBe("pantavisor-service-system@1");
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

it.each(["a", "a/run.json", "_sigs/a.json", "_config/a/etc/x"])("removing %s removes a", (part) => {
  expect(Object.keys(removePart(old, part))).toEqual(["#spec", "groups.json", "b/run.json"]);
});
