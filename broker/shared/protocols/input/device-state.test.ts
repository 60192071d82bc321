import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { DeviceState } from "./device-state.ts";
import { EventFilter } from "./event-filter.ts";
import type { EventRule } from "./event-filter.ts";
import { ABS_MT_POSITION_X, ABS_X, KEY_A, KEY_B, abs, frameLists, key } from "./events.fixture.ts";
import { REPORT, encodeEvents } from "./input-event.ts";
import type { InputEvent } from "./input-event.ts";
import { ABS_MT_SLOT, ABS_MT_TRACKING_ID } from "./multi-touch.ts";

function after(...frames: readonly (readonly InputEvent[])[]): DeviceState {
  const state = new DeviceState();
  for (const events of frames) state.apply(encodeEvents(events));
  return state;
}

describe("DeviceState", () => {
  it("tells nothing of a device that has said nothing", () => {
    expect(new DeviceState().frame()).toEqual([REPORT]);
  });

  it("tells keys that are down, axes, contacts and the slot that comes next", () => {
    const state = after(
      [key(KEY_A, 1), key(KEY_B, 1), abs(ABS_X, 7), REPORT],
      [key(KEY_B, 0), abs(ABS_MT_SLOT, 2), abs(ABS_MT_TRACKING_ID, 5), REPORT],
      [abs(ABS_MT_POSITION_X, 30), abs(ABS_MT_SLOT, 0), REPORT],
    );
    expect(state.frame()).toEqual([
      key(KEY_A, 1),
      abs(ABS_X, 7),
      abs(ABS_MT_SLOT, 2),
      abs(ABS_MT_TRACKING_ID, 5),
      abs(ABS_MT_POSITION_X, 30),
      abs(ABS_MT_SLOT, 0),
      REPORT,
    ]);
  });

  it("ends keys and contacts that a reader was told of and that have gone", () => {
    const told = after([key(KEY_A, 1), abs(ABS_MT_SLOT, 1), abs(ABS_MT_TRACKING_ID, 5), REPORT]);
    const now = told.copy();
    now.forget();
    expect(now.frame(told)).toEqual([
      key(KEY_A, 0),
      abs(ABS_MT_SLOT, 1),
      abs(ABS_MT_TRACKING_ID, -1),
      abs(ABS_MT_SLOT, 0),
      REPORT,
    ]);
  });

  it("gives a late reader the same state, at any moment", () => {
    fc.assert(
      fc.property(frameLists, (frames) => {
        const state = after(...frames);
        expect(after(state.frame()).frame()).toEqual(state.frame());
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("brings a reader that has missed frames to the same state, with what it knows or without", () => {
    fc.assert(
      fc.property(frameLists, frameLists, (seen, missed) => {
        const reader = after(...seen);
        const device = after(...seen, ...missed);
        const frame = encodeEvents(device.frame(reader.copy()));
        reader.apply(frame);
        const forgetful = new DeviceState();
        forgetful.apply(frame);
        expect(sorted(reader)).toEqual(sorted(device));
        expect(sorted(forgetful)).toEqual(sorted(device));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("does so behind a filter too, for what passes", () => {
    const lists = fc.constantFrom<EventRule[][]>(
      [[{ type: "EV_KEY", codes: [KEY_A] }]],
      [[{ type: "EV_ABS", codes: [ABS_MT_POSITION_X] }]],
      [[{ type: "EV_ABS" }, { type: "EV_SW" }]],
    );
    fc.assert(
      fc.property(lists, frameLists, frameLists, (rules, seen, missed) => {
        const filter = new EventFilter(rules);
        const pass = (...frames: readonly InputEvent[][]) =>
          filter.pass(encodeEvents(frames.flat()));
        const reader = new DeviceState();
        reader.apply(pass(...seen));
        reader.apply(pass(after(...seen, ...missed).frame(after(...seen))));
        const prompt = new DeviceState();
        prompt.apply(pass(...seen, ...missed));
        expect(sorted(reader)).toEqual(sorted(prompt));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("is another one after copy(): later frames change only the original", () => {
    const state = after([key(KEY_A, 1), REPORT]);
    const copy = state.copy();
    state.apply(encodeEvents([key(KEY_A, 0), abs(ABS_X, 1), REPORT]));
    expect(copy.frame()).toEqual([key(KEY_A, 1), REPORT]);
  });
});

/** Its state, whatever the order in which it was told. */
function sorted(state: DeviceState): string[] {
  let slot = 0;
  return state
    .frame()
    .map(({ type, code, value }) => {
      if (code === ABS_MT_SLOT && type === 3) slot = value;
      return `${type} ${code >= ABS_MT_SLOT && type === 3 ? `slot ${slot}` : ""} ${code} ${value}`;
    })
    .toSorted();
}
