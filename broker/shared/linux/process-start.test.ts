import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStartTime, readStartTime } from "./process-start.ts";
import { PROPERTY_RUNS } from "../formats/property-runs.fixture.ts";

describe("parseStartTime", () => {
  it("finds field 22 whatever the process calls itself", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (command, start) => {
        const rest = Array.from({ length: 19 }, (_, index) => index).join(" ");
        expect(parseStartTime(`12 (${command}) ${rest} ${start} 1 2 3\n`)).toBe(start);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("refuses other text", () => {
    for (const text of ["", "1 (x)", "1 (x) S 1 2", "no parentheses at all"]) {
      expect(() => parseStartTime(text)).toThrow("not a /proc/PID/stat line");
    }
  });

  it("reads the same time for a process each time", () => {
    expect(readStartTime(process.pid)).toBe(readStartTime(process.pid));
    expect(readStartTime(process.pid)).toBeGreaterThan(0);
  });
});
