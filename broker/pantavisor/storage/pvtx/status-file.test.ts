import { describe, expect, it } from "vitest";
import { decodeStatus, encodeStatus } from "./status-file.ts";

const OBJECTS = "/storage/objects";

describe("the status file", () => {
  it("of a transaction: phase, local, object folder", () => {
    const bytes = encodeStatus({ phase: "active", isLocal: true, objects: OBJECTS });
    expect(bytes).toHaveLength(4104);
    expect([bytes.readInt32LE(0), bytes.readInt32LE(4)]).toEqual([2, 1]);
    expect(bytes.toString("utf8", 8, 8 + OBJECTS.length + 1)).toBe(`${OBJECTS}\0`);
  });

  it("of a queue: its folder and the number of the next action behind that", () => {
    const queue = { folder: "/tmp/q", next: 3 };
    const bytes = encodeStatus({ phase: "set", isLocal: true, objects: OBJECTS, queue });
    expect(bytes).toHaveLength(8208);
    expect(bytes.readInt32LE(0)).toBe(1);
    expect(bytes.toString("utf8", 4104, 4111)).toBe("/tmp/q\0");
    expect([bytes.readInt32LE(8200), bytes.readInt32LE(8204)]).toEqual([3, 0]);
  });

  it.each(["set", "active", "committed", "deployed"] as const)("is read back: %s", (phase) => {
    const queue = { folder: "/tmp/ä", next: 1000 };
    const status = { phase, isLocal: false, objects: "", queue };
    expect(decodeStatus(encodeStatus(status))).toEqual(status);
  });

  it("is refused when it is damaged, and a path when it does not fit", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(4000), Buffer.alloc(4104, 0xff)]) {
      expect(() => decodeStatus(bytes)).toThrow("is damaged");
    }
    const objects = `/${"x".repeat(4095)}`;
    expect(() => encodeStatus({ phase: "active", isLocal: true, objects })).toThrow("is too long");
    expect(decodeStatus(Buffer.alloc(4104, 0x41).fill(0, 0, 8)).objects).toHaveLength(4096);
  });
});
