import { describe, expect, it } from "vitest";
import type { SignedKeys } from "./signed-keys.ts";
import { signedKeys } from "./signed-keys.ts";

function signature(pvs: object): object {
  return { protected: Buffer.from(JSON.stringify({ pvs })).toString("base64url") };
}

function owner(...include: string[]): SignedKeys {
  const keys = signedKeys("_sigs/x.json", signature({ include }));
  if (keys === undefined) throw new Error("no keys");
  return keys;
}

describe("a signature owns", () => {
  it.each([
    ["a/**", "a/run.json", true],
    ["a/**", "a/b/c", true],
    ["a/**", "a", false],
    ["a/**", "ab/run.json", false],
    ["**", "groups.json", true],
    ["**", "a/b", true],
    ["a/*.json", "a/run.json", true],
    ["a/*.json", "a/b/run.json", false],
    ["a/*/c", "a/b/c", true],
    ["a/*/**", "a/b/c/d", true],
    ["a/*/**", "a/b", false],
    ["a/?un.json", "a/run.json", true],
    ["a/?un.json", "a/un.json", false],
    ["a/run.json", "a/run.json", true],
    ["a/run.json", "a/run.json.bak", false],
    ["_config/a/*h*o*", "_config/a/hello", true],
    ["_config/a/.ssh/**", "_config/a/.ssh/key", true],
    ["a/[x]", "a/[x]", true],
  ])("by the glob %s of the key %s: %s", (glob, key, owned) => {
    expect(owner(glob).owns(key)).toBe(owned);
  });

  it("what it excludes too: it belongs to the same part", () => {
    const keys = signedKeys("_sigs/a.json", signature({ include: [], exclude: ["a/src.json"] }));
    expect(keys?.owns("a/src.json")).toBe(true);
  });

  it("what nobody can know when it has no protected header", () => {
    for (const document of [{}, null, "text", { protected: 3 }]) {
      expect(signedKeys("_sigs/a.json", document)).toBeUndefined();
    }
  });
});

describe("a hostile signature", () => {
  it("is refused for more globs than anybody signs", () => {
    const many = (count: number, glob: string) => Array.from({ length: count }, () => glob);
    expect(() => owner(...many(10_001, "a"))).toThrow("_sigs/x.json: 10001 globs are too many");
    expect(() => owner(...many(101, "*/a"))).toThrow("101 globs with wildcards are too many");
  });

  it("costs no more than the square of its length", () => {
    const begun = performance.now();
    expect(owner(`${"*a".repeat(500)}b`).owns("a".repeat(4000))).toBe(false);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
