import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { KEY_A, abs, frameLists, key } from "./events.fixture.ts";
import { FrameReader, MAX_FRAME_EVENTS, MalformedEvents } from "./frame-reader.ts";
import type { Run } from "./frame-reader.ts";
import {
  DROPPED_FRAME,
  EVENT_SIZE,
  EV_REL,
  REPORT,
  decodeEvents,
  encodeEvents,
} from "./input-event.ts";
import { ABS_MT_SLOT, MAX_SLOTS } from "./multi-touch.ts";

/** Runs of all pieces, their bytes copied. */
function read(pieces: readonly Buffer[], reader = new FrameReader()): Run[] {
  return pieces.flatMap((piece) =>
    reader.push(piece).map(({ kind, bytes }) => ({ kind, bytes: Buffer.from(bytes) })),
  );
}

function joined(list: readonly Run[]): Buffer {
  return Buffer.concat(list.map(({ bytes }) => bytes));
}

/** The bytes cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((at) => at % (bytes.length + 1)), bytes.length].toSorted(
    (one, other) => one - other,
  );
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

describe("FrameReader", () => {
  it("gives whole frames only, cut at every single place", () => {
    const bytes = encodeEvents([key(KEY_A, 1), REPORT, key(KEY_A, 0), abs(0, 7), REPORT]);
    for (let at = 0; at <= bytes.length; at += 1) {
      const reader = new FrameReader();
      const [first, second] = [
        joined(read([bytes.subarray(0, at)], reader)),
        joined(read([bytes.subarray(at)], reader)),
      ];
      for (const part of [first, second]) {
        expect(part.length === 0 || decodeEvents(part).at(-1)?.type === 0).toBe(true);
      }
      expect(Buffer.concat([first, second]).equals(bytes)).toBe(true);
      expect(reader.isInFrame).toBe(false);
    }
  });

  it("gives the same frames however the stream is cut", () => {
    fc.assert(
      fc.property(frameLists, fc.array(fc.nat()), (frames, places) => {
        const bytes = encodeEvents(frames.flat());
        expect(joined(read(cut(bytes, places))).equals(bytes)).toBe(true);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("keeps the part of a frame that has come, whatever becomes of the caller's memory", () => {
    const bytes = encodeEvents([key(KEY_A, 1), REPORT]);
    const reader = new FrameReader();
    const lent = Buffer.from(bytes.subarray(0, 30));
    expect(reader.push(lent)).toEqual([]);
    expect(reader.isInFrame).toBe(true);
    lent.fill(0xff);
    expect(joined(reader.push(bytes.subarray(30))).equals(bytes)).toBe(true);
  });

  it("leaves out a frame with SYN_DROPPED, and calls the next one the state", () => {
    const before = encodeEvents([key(KEY_A, 1), REPORT]);
    const state = encodeEvents([key(KEY_A, 0), REPORT]);
    const after = encodeEvents([abs(0, 1), REPORT, abs(0, 2), REPORT]);
    const lost = encodeEvents([abs(0, 9), ...DROPPED_FRAME]);
    const kinds = (list: readonly Run[]) => list.map(({ kind }) => kind);
    const whole = read([Buffer.concat([before, lost, state, after])]);
    expect(kinds(whole)).toEqual(["frames", "dropped", "state", "frames"]);
    expect(joined(whole).equals(Buffer.concat([before, state, after]))).toBe(true);
    const twice = read([Buffer.concat([lost, lost, state, after])]);
    expect(kinds(twice)).toEqual(["dropped", "dropped", "state", "frames"]);
    const pieces = read(cut(Buffer.concat([before, lost, state, after]), [50, 100, 130]));
    expect(kinds(pieces).filter((kind) => kind !== "frames")).toEqual(["dropped", "state"]);
  });

  it.each([
    ["an unknown type", [{ type: 0x06, code: 0, value: 0 }]],
    ["a code beyond the type's last", [{ type: EV_REL, code: 0x10, value: 0 }]],
    ["a negative slot", [abs(ABS_MT_SLOT, -1)]],
    ["a slot that no device has", [abs(ABS_MT_SLOT, MAX_SLOTS)]],
  ])("refuses %s", (_, events) => {
    expect(() => new FrameReader().push(encodeEvents(events))).toThrow(MalformedEvents);
  });

  it("refuses a frame without end, in memory of its own size", () => {
    const reader = new FrameReader();
    const events = encodeEvents(Array.from({ length: 64 }, () => abs(0, 1)));
    const feed = () => {
      for (let count = 0; count <= MAX_FRAME_EVENTS; count += 64) reader.push(events);
    };
    expect(feed).toThrow(`a frame of more than ${MAX_FRAME_EVENTS} events`);
  });

  it("gives whole, valid frames or refuses, whatever comes", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      frameLists.map((frames) => encodeEvents(frames.flat())),
    );
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), (pieces) => {
        const reader = new FrameReader();
        try {
          for (const piece of pieces) {
            for (const run of reader.push(Buffer.from(piece))) {
              expect(run.bytes.length % EVENT_SIZE).toBe(0);
              if (run.bytes.length > 0) {
                expect(decodeEvents(run.bytes).at(-1)).toMatchObject({ type: 0, code: 0 });
              }
            }
          }
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedEvents);
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});
