import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { none, parseQuirks } from "../../../shared/quirks/quirks.ts";
import { drmClass, drmRefusal } from "./node-class.ts";
import type { FileFacts } from "../../peers/file-facts.ts";

const node = (minor: number, overrides: Partial<FileFacts> = {}): FileFacts => ({
  isCharacterDevice: true,
  major: 226,
  minor,
  mode: 0o660,
  uid: 0,
  gid: 0,
  ...overrides,
});

describe("drmClass", () => {
  it("tells cards from render nodes by the minor", () => {
    expect([0, 63, 64, 127, 128, 191, 300].map(drmClass)).toEqual([
      "card",
      "card",
      undefined,
      undefined,
      "render",
      "render",
      "render",
    ]);
  });
});

describe("drmRefusal", () => {
  it("gives cards to master, render nodes to render, and either to other roles", () => {
    expect(drmRefusal(node(0), "master", none)).toBeUndefined();
    expect(drmRefusal(node(128), "render", none)).toBeUndefined();
    for (const minor of [0, 128]) expect(drmRefusal(node(minor), "any", none)).toBeUndefined();
    expect(drmRefusal(node(0), "render", none)).toBe(
      "role render gets render nodes, and device 226:0 is a card node",
    );
    expect(drmRefusal(node(128), "master", none)).toContain("is a render node");
  });

  it.each(["constructor", "toString", "__proto__"])("takes %s for a role like others", (role) => {
    for (const minor of [0, 128]) expect(drmRefusal(node(minor), role, none)).toBeUndefined();
  });

  it("refuses files, other majors and control nodes", () => {
    expect(drmRefusal(node(0, { isCharacterDevice: false }), "any", none)).toContain("character");
    expect(drmRefusal(node(0, { major: 8 }), "any", none)).toContain("device 8:0 is not a DRM");
    expect(drmRefusal(node(64), "any", none)).toContain("neither a card nor a render node");
  });

  it("gives nobody what is no DRM character device, and no role the other's class", () => {
    const number = (...likely: number[]) => fc.oneof(fc.constantFrom(...likely), fc.nat(0xfffff));
    fc.assert(
      fc.property(
        fc.boolean(),
        number(226, 0, 1, 8),
        number(0, 63, 64, 127, 128, 191),
        fc.oneof(fc.constantFrom("any", "master", "render"), fc.string()),
        (isCharacterDevice, major, minor, role) => {
          const refusal = drmRefusal(node(minor, { isCharacterDevice, major }), role, none);
          const isNode = isCharacterDevice && major === 226;
          const isCard = minor < 64;
          const isRender = minor > 127;
          const fits = role === "master" ? isCard : role === "render" ? isRender : true;
          expect(refusal === undefined).toBe(isNode && (isCard || isRender) && fits);
        },
      ),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("can be told to swap or to ignore roles, and to take any file or major", () => {
    expect(drmRefusal(node(0), "master", parseQuirks("drm-role-swapped"))).toBeDefined();
    expect(drmRefusal(node(0), "render", parseQuirks("drm-role-swapped"))).toBeUndefined();
    expect(drmRefusal(node(0), "render", parseQuirks("drm-role-ignored"))).toBeUndefined();
    expect(drmRefusal(node(3, { major: 1 }), "any", parseQuirks("drm-any-major"))).toBeUndefined();
    const file = node(0, { isCharacterDevice: false, major: 0 });
    expect(drmRefusal(file, "any", parseQuirks("drm-any-file"))).toBeUndefined();
  });
});
