import { EV_ABS, EV_KEY } from "./input-event.ts";

/** Codes of multi-touch protocol B (Linux, input/multi-touch-protocol.rst). */
export const ABS_MT_SLOT = 0x2f;
export const ABS_MT_TRACKING_ID = 0x39;
const ABS_MT_FIRST = 0x2f;
const ABS_MT_LAST = 0x3d;
const ABS_MT_POSITION_X = 0x35;
const ABS_MT_POSITION_Y = 0x36;
const BTN_TOUCH = 0x14a;
/** BTN_TOOL_FINGER, _QUINTTAP, _DOUBLETAP, _TRIPLETAP, _QUADTAP: the number of fingers. */
const BTN_TOOLS = [0x145, 0x148, 0x14d, 0x14e, 0x14f];

/**
 * Most slots of a device: hid-multitouch takes 250 contacts at most, and each costs memory.
 */
export const MAX_SLOTS = 256;

/**
 * The codes without which other multi-touch events say something wrong. The slot is sticky: it may
 * come in an earlier frame than the axes that belong to it, so it must pass wherever one of them
 * does.
 */
export const MULTI_TOUCH_GROUP: readonly { readonly type: number; readonly code: number }[] = [
  ...[ABS_MT_SLOT, ABS_MT_TRACKING_ID, ABS_MT_POSITION_X, ABS_MT_POSITION_Y].map((code) => ({
    type: EV_ABS,
    code,
  })),
  ...[BTN_TOUCH, ...BTN_TOOLS].map((code) => ({ type: EV_KEY, code })),
];

/** True for an axis that every slot has its own value of, and for the slot itself. */
export function isMultiTouch(type: number, code: number): boolean {
  return type === EV_ABS && code >= ABS_MT_FIRST && code <= ABS_MT_LAST;
}
