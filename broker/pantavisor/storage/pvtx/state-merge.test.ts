import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyState, mergeFragment, removePart } from "./state-merge.ts";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";

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

function signs(...include: string[]): object {
  const header = { alg: "RS256", typ: "PVS", pvs: { include, exclude: ["_sigs/x.json"] } };
  return {
    "#spec": "pvs@2",
    protected: Buffer.from(JSON.stringify(header)).toString("base64url"),
    signature: "",
  };
}

function signedA(...more: string[]): object {
  return { "a/run.json": 1, "_sigs/a.json": signs("a/**", ...more) };
}

describe("merging", () => {
  it("replaces a container whole, with its configuration and signature", () => {
    const merged = mergeFragment(old, { ...spec, "a/run.json": { name: "a", new: true } });
    expect(Object.keys(merged)).toEqual(["#spec", "groups.json", "b/run.json", "a/run.json"]);
  });

  it("of a fragment that configures a container leaves the container alone", () => {
    const merged = mergeFragment(old, { ...spec, "_config/a/etc/x": "3", "_config/b/y": "4" });
    expect(merged).toEqual({ ...old, "_config/a/etc/x": "3", "_config/b/y": "4" });
  });

  it("takes away what the old or the new signature owns, unless another one owns it", () => {
    const site = { "_config/a/etc/site": "6", "_sigs/site.json": signs("_config/a/etc/site") };
    const first = { ...spec, ...signedA("_config/a/**"), ...site, "_config/a/etc/old": "7" };
    const merged = mergeFragment(first, { ...spec, ...signedA("_config/a/**", "_sigs/x") });
    expect(merged).toEqual({ ...spec, ...site, ...signedA("_config/a/**", "_sigs/x") });
    expect(mergeFragment(merged, { ...spec, "a/run.json": 2 })).toEqual({
      ...spec,
      ...site,
      "a/run.json": 2,
    });
  });

  it("of a signature for a container's configuration leaves the container alone", () => {
    const fragment = { "_sigs/b.json": signs("_config/b/**"), "_config/b/x": "1" };
    expect(mergeFragment(old, fragment)).toEqual({ ...old, ...fragment });
  });

  it("refuses a signature that cannot be read", () => {
    for (const text of ["a+b", "e30", "bm8", Buffer.from('{"pvs":3}').toString("base64url")]) {
      expect(() => mergeFragment(old, { "_sigs/x.json": { protected: text } })).toThrow(
        "_sigs/x.json: its protected header cannot be read",
      );
    }
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
      part.map((name) => `_config/${name}/etc/f`),
      fc.constant("device.json"),
    );
    const glob = fc.constantFrom("a/**", "_config/a/**", "_config/*/etc/f", "b/x/y", "**");
    const signature = fc.array(glob, { maxLength: 2 }).map((globs) => signs(...globs));
    const fragment = fc
      .tuple(fc.dictionary(key, fc.nat(), { maxKeys: 5 }), fc.dictionary(part, signature))
      .map(([files, signatures]) => ({
        ...files,
        ...Object.fromEntries(
          Object.entries(signatures).map(([name, value]) => [`_sigs/${name}.json`, value]),
        ),
      }));
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

describe("removing", () => {
  it.each(["a", "a/", "_sigs/a.json", "_config/a"])("%s removes the container a", (part) => {
    expect(Object.keys(removePart(old, part))).toEqual(["#spec", "groups.json", "b/run.json"]);
  });

  it.each(["a", "_sigs/a.json", "_config/a"])("%s removes what the signature of a owns", (part) => {
    const state = { ...spec, ...signedA("_config/site/x", "_config/a/**"), "_config/site/x": "1" };
    expect(removePart({ ...state, ab: "1", "a.b/run.json": 1 }, part)).toEqual({
      ...spec,
      ab: "1",
      "a.b/run.json": 1,
    });
  });

  it("a signature leaves what another one owns", () => {
    const both = {
      ...spec,
      "_config/a/x": "1",
      "_config/a/y": "2",
      "_sigs/one.json": signs("_config/a/**"),
      "_sigs/two.json": signs("_config/a/y", "_sigs/**"),
    };
    expect(Object.keys(removePart(both, "_sigs/one.json"))).toEqual([
      "#spec",
      "_config/a/y",
      "_sigs/two.json",
    ]);
  });

  it("a container takes its folder, whatever another signature says", () => {
    const state = { ...spec, ...signedA(), "_sigs/s.json": signs("a/run.json", "_config/a/x") };
    expect(Object.keys(removePart({ ...state, "_config/a/x": "1" }, "a"))).toEqual([
      "#spec",
      "_sigs/s.json",
      "_config/a/x",
    ]);
  });

  it.each<readonly [part: string, gone: readonly string[]]>([
    ["a/old.file", ["a/old.file"]],
    ["_config/a/etc", ["_config/a/etc/x"]],
    ["_config/b", []],
    ["_sigs/b.json", []],
    ["groups.json", ["groups.json"]],
    ["#spec", []],
    ["", []],
    ["nothing", []],
  ])("%j removes %j and no more", (part, gone) => {
    const left = Object.keys(old).filter((key) => !gone.includes(key));
    expect(Object.keys(removePart(old, part))).toEqual(left);
  });

  it("the configuration of a container that is not signed leaves the container", () => {
    const unsigned = { ...spec, "a/run.json": 1, "_config/a/x": "1" };
    expect(removePart(unsigned, "_config/a")).toEqual({ ...spec, "a/run.json": 1 });
  });
});
