import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../formats/property-runs.fixture.ts";
import { CONTROL_SPACE, MAX_FDS, decodeControl, encodeControl } from "./control-message.ts";

const id = fc.integer({ min: 0, max: 0xffff_ffff });
const control = fc.record(
  {
    fds: fc.array(fc.integer({ min: 0, max: 0x7fff_ffff }), { maxLength: MAX_FDS }),
    credentials: fc.record({ pid: fc.integer({ min: 1, max: 0x7fff_ffff }), uid: id, gid: id }),
  },
  { requiredKeys: ["fds"] },
);

describe("control messages", () => {
  it("are read back as they were written, in aligned space", () => {
    fc.assert(
      fc.property(control, (written) => {
        const bytes = encodeControl(written);
        expect(bytes.length % 8).toBe(0);
        expect(bytes.length).toBeLessThanOrEqual(CONTROL_SPACE);
        expect(decodeControl(bytes)).toEqual({ ...written, hasTimestamp: false });
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of any bytes are read without failing, and never past their end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeControl(Buffer.from(bytes)).fds.length).toBeLessThanOrEqual(46);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("have the layout of cmsg(3)", () => {
    const bytes = encodeControl({ fds: [7], credentials: { pid: 1, uid: 2, gid: 3 } });
    expect(bytes.toString("hex")).toBe(
      "1c000000000000000100000002000000010000000200000003000000" +
        "00000000" +
        "14000000000000000100000001000000" +
        "0700000000000000",
    );
  });
});
