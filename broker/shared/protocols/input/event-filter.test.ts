import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { EventFilter, PASSING_TYPES } from "./event-filter.ts";
import type { EventRule, PassingType } from "./event-filter.ts";
import {
  ABS_MT_POSITION_X,
  ABS_MT_PRESSURE,
  ABS_X,
  BTN_TOUCH,
  KEY_A,
  KEY_B,
  abs,
  frameLists,
  key,
  touchFrameLists,
} from "./events.fixture.ts";
import { EV_SYN, REPORT, SYN_MT_REPORT, decodeEvents, encodeEvents } from "./input-event.ts";
import type { InputEvent } from "./input-event.ts";
import { ABS_MT_SLOT, ABS_MT_TRACKING_ID } from "./multi-touch.ts";

function passed(filter: EventFilter, events: readonly InputEvent[]): InputEvent[] {
  return decodeEvents(filter.pass(encodeEvents(events)));
}

describe("EventFilter", () => {
  it("takes out what no rule allows, and frames of which nothing is left", () => {
    const filter = new EventFilter([[{ type: "EV_KEY", codes: [KEY_A] }]]);
    const events = [key(KEY_A, 1), abs(ABS_X, 1), REPORT, key(KEY_B, 1), REPORT, REPORT];
    expect(passed(filter, events)).toEqual([key(KEY_A, 1), REPORT]);
  });

  it("needs a rule of each list; an empty list lets nothing pass, no list everything", () => {
    const keys: EventRule[] = [{ type: "EV_KEY", codes: [[KEY_A, KEY_B]] }];
    const one = new EventFilter([keys, [{ type: "EV_KEY", codes: [KEY_B] }]]);
    expect([KEY_A, KEY_B].map((code) => one.passes(1, code))).toEqual([false, true]);
    expect(new EventFilter([keys, []]).passes(1, KEY_A)).toBe(false);
    expect(new EventFilter([]).passes(1, KEY_A)).toBe(true);
  });

  it("never passes auto-repeat, force feedback or power events", () => {
    const everything = new EventFilter([]);
    for (const type of [0x14, 0x15, 0x16, 0x17]) expect(everything.passes(type, 0)).toBe(false);
  });

  it("passes slot, tracking id, position and touch wherever another multi-touch code passes", () => {
    const filter = new EventFilter([[{ type: "EV_ABS", codes: [ABS_MT_PRESSURE] }]]);
    for (const code of [ABS_MT_SLOT, ABS_MT_TRACKING_ID, ABS_MT_POSITION_X]) {
      expect(filter.passes(3, code)).toBe(true);
    }
    expect(filter.passes(1, BTN_TOUCH)).toBe(true);
    expect(filter.passes(3, ABS_MT_PRESSURE + 1)).toBe(false);
    const without = new EventFilter([[{ type: "EV_ABS", codes: [[0, 0x2e]] }]]);
    expect(without.passes(3, ABS_MT_SLOT)).toBe(false);
  });

  it("passes the separators of multi-touch protocol A with its axes only", () => {
    const separator = { type: EV_SYN, code: SYN_MT_REPORT, value: 0 };
    const frame = [abs(ABS_MT_POSITION_X, 1), separator, key(KEY_A, 1), REPORT];
    const touch = new EventFilter([[{ type: "EV_ABS", codes: [ABS_MT_POSITION_X] }]]);
    expect(passed(touch, frame)).toEqual([abs(ABS_MT_POSITION_X, 1), separator, REPORT]);
    const keys = new EventFilter([[{ type: "EV_KEY" }]]);
    expect(passed(keys, frame)).toEqual([key(KEY_A, 1), REPORT]);
  });

  const rule: fc.Arbitrary<EventRule> = fc.record(
    {
      type: fc.constantFrom(...(Object.keys(PASSING_TYPES) as PassingType[])),
      codes: fc.array(
        fc.oneof(
          fc.constantFrom(0, 1, KEY_A, KEY_B, ABS_MT_PRESSURE),
          fc.constantFrom<[number, number]>([0, 2], [KEY_A, KEY_B], [ABS_MT_SLOT, 0x3d]),
        ),
        { minLength: 1, maxLength: 3 },
      ),
    },
    { requiredKeys: ["type"] },
  );
  const lists = fc.array(fc.array(rule, { maxLength: 3 }), { maxLength: 2 });

  it("keeps order and framing, as one frame after the other judged by itself", () => {
    fc.assert(
      fc.property(lists, frameLists, (rules, frames) => {
        const filter = new EventFilter(rules);
        const wanted = frames.flatMap((frame) => {
          const kept = frame.filter(
            ({ type, code }) =>
              filter.passes(type, code) ||
              (type === EV_SYN && code === SYN_MT_REPORT && filter.passes(3, ABS_MT_SLOT)),
          );
          return kept.length > 0 ? [...kept, REPORT] : [];
        });
        expect(passed(filter, frames.flat())).toEqual(wanted);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("leaves a reader's slots as the device's, for every axis that passes", () => {
    fc.assert(
      fc.property(lists, touchFrameLists, (rules, frames) => {
        const filter = new EventFilter(rules);
        const seen = contacts(passed(filter, frames.flat()), filter);
        expect(seen).toEqual(contacts(frames.flat(), filter));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

/** Axes of each slot as a reader of multi-touch protocol B keeps them, those that pass. */
function contacts(events: readonly InputEvent[], filter: EventFilter): Map<string, number> {
  const axes = new Map<string, number>();
  let slot = 0;
  for (const { type, code, value } of events) {
    if (type !== 3 || code < ABS_MT_SLOT) continue;
    if (code === ABS_MT_SLOT) slot = value;
    else if (filter.passes(type, code)) axes.set(`${slot} ${code}`, value);
  }
  return axes;
}
