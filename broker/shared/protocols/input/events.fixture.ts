import fc from "fast-check";
import {
  EV_ABS,
  EV_KEY,
  EV_LED,
  EV_MSC,
  EV_REL,
  EV_SW,
  EV_SYN,
  REPORT,
  SYN_MT_REPORT,
} from "./input-event.ts";
import type { InputEvent } from "./input-event.ts";
import { ABS_MT_SLOT, ABS_MT_TRACKING_ID } from "./multi-touch.ts";

/** For tests: short names of codes, and frames that devices could send. */
export const KEY_A = 30;
export const KEY_B = 48;
export const BTN_TOUCH = 0x14a;
export const ABS_X = 0;
export const ABS_MT_POSITION_X = 0x35;
export const ABS_MT_POSITION_Y = 0x36;
export const ABS_MT_PRESSURE = 0x3a;

export function key(code: number, value: number): InputEvent {
  return { type: EV_KEY, code, value };
}

export function abs(code: number, value: number): InputEvent {
  return { type: EV_ABS, code, value };
}

const value = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const small = fc.integer({ min: 0, max: 3 });

/** Events of any type; few codes, so that rules and states meet. */
const event: fc.Arbitrary<InputEvent> = fc.oneof(
  fc.record({ type: fc.constant(EV_KEY), code: fc.constantFrom(KEY_A, KEY_B), value: small }),
  fc.record({ type: fc.constant(EV_REL), code: small, value }),
  fc.record({ type: fc.constant(EV_ABS), code: fc.constantFrom(ABS_X, 1, 0x18), value }),
  fc.record({ type: fc.constantFrom(EV_MSC, EV_SW, EV_LED), code: small, value: small }),
  fc.record({ type: fc.constant(EV_SYN), code: fc.constant(SYN_MT_REPORT), value: small }),
);

/** Events of a touch screen with four slots. */
const touch: fc.Arbitrary<InputEvent> = fc.oneof(
  fc.record({ type: fc.constant(EV_ABS), code: fc.constant(ABS_MT_SLOT), value: small }),
  fc.record({
    type: fc.constant(EV_ABS),
    code: fc.constant(ABS_MT_TRACKING_ID),
    value: fc.integer({ min: -1, max: 9 }),
  }),
  fc.record({
    type: fc.constant(EV_ABS),
    code: fc.constantFrom(ABS_MT_POSITION_X, ABS_MT_POSITION_Y, ABS_MT_PRESSURE),
    value: small,
  }),
  fc.record({ type: fc.constant(EV_KEY), code: fc.constant(BTN_TOUCH), value: small }),
);

/** A list of frames, each with its SYN_REPORT. */
export const frameLists: fc.Arbitrary<InputEvent[][]> = fc.array(
  fc.array(fc.oneof(event, touch), { maxLength: 5 }).map((events) => [...events, REPORT]),
  { maxLength: 12 },
);

/** The same, of touch events alone. */
export const touchFrameLists: fc.Arbitrary<InputEvent[][]> = fc.array(
  fc.array(touch, { minLength: 1, maxLength: 5 }).map((events) => [...events, REPORT]),
  { maxLength: 20 },
);
