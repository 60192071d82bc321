import fc from "fast-check";
import { expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { LinkRefused } from "../plugin.ts";
import { checkEventNode } from "./event-node.ts";

const link = { provider: "panel", socket: "/dev/input/event0" };
const node = { isCharacterDevice: true, major: 13, minor: 64, mode: 0o660, uid: 0, gid: 0 };

test("only event devices may be opened, whatever their name", () => {
  const number = (...likely: number[]) => fc.oneof(fc.constantFrom(...likely), fc.nat(0xfffff));
  fc.assert(
    fc.property(
      fc.boolean(),
      number(13, 1, 226),
      number(0, 63, 64, 256),
      (isCharacterDevice, major, minor) => {
        const check = () => checkEventNode(link, { ...node, isCharacterDevice, major, minor });
        if (isCharacterDevice && major === 13 && minor >= 64) check();
        else expect(check).toThrow(LinkRefused);
      },
    ),
    { numRuns: PROPERTY_RUNS },
  );
});

test("the refusal names the provider's path and the device", () => {
  expect(() => checkEventNode(link, { ...node, minor: 0 })).toThrow(
    "/dev/input/event0 of panel: device 13:0 is not an input event device",
  );
});
