import {
  CODE_COUNT,
  EVENT_SIZE,
  EV_ABS,
  EV_KEY,
  EV_LED,
  EV_MSC,
  EV_REL,
  EV_SND,
  EV_SW,
  EV_SYN,
  SYN_MT_REPORT,
  codeAt,
  isReport,
  typeAt,
} from "./input-event.ts";
import { ABS_MT_SLOT, MULTI_TOUCH_GROUP, isMultiTouch } from "./multi-touch.ts";

/** Types that may pass at all. The others (auto-repeat, force feedback, power) are for devices. */
export const PASSING_TYPES = {
  EV_KEY,
  EV_REL,
  EV_ABS,
  EV_MSC,
  EV_SW,
  EV_LED,
  EV_SND,
} as const;
export type PassingType = keyof typeof PASSING_TYPES;

/** A rule that lets events of one type pass. */
export interface EventRule {
  readonly type: PassingType;
  /** Codes, and ranges of them by first and last; all when absent. */
  readonly codes?: readonly (number | readonly [number, number])[] | undefined;
}

const TYPE_COUNT = EV_SND + 1;

/** Decides which events of a device a reader may see. */
export class EventFilter {
  /** 1 for each type and code that passes. */
  readonly #passes = tableOf(EVERYTHING, true);

  /**
   * @param lists an event needs a rule of each list; without lists all passing types pass
   * @param keepsGroups false lets multi-touch codes pass one by one
   */
  constructor(lists: readonly (readonly EventRule[])[], keepsGroups = true) {
    for (const list of lists) {
      const allowed = tableOf(list, keepsGroups);
      for (let index = 0; index < allowed.length; index += 1) {
        if (allowed[index] === 0) this.#passes[index] = 0;
      }
    }
  }

  passes(type: number, code: number): boolean {
    return type < TYPE_COUNT && code < CODE_COUNT && this.#passes[indexOf(type, code)] === 1;
  }

  /**
   * The frames without the events that may not pass, and without frames of which nothing is left:
   * a bare SYN_REPORT would tell that something has happened (evdev drops those too).
   * @param frames whole frames
   * @returns whole frames in memory of their own
   */
  pass(frames: Buffer): Buffer {
    const passed = Buffer.allocUnsafe(frames.length);
    let used = 0;
    let isEmpty = true;
    for (let at = 0; at < frames.length; at += EVENT_SIZE) {
      const ends = isReport(frames, at);
      if (ends ? isEmpty : !this.#passesAt(frames, at)) continue;
      used += frames.copy(passed, used, at, at + EVENT_SIZE);
      isEmpty = ends;
    }
    return passed.subarray(0, used);
  }

  #passesAt(events: Buffer, at: number): boolean {
    const [type, code] = [typeAt(events, at), codeAt(events, at)];
    if (type !== EV_SYN) return this.passes(type, code);
    // It separates the contacts of multi-touch protocol A.
    return code === SYN_MT_REPORT && this.passes(EV_ABS, ABS_MT_SLOT);
  }
}

function indexOf(type: number, code: number): number {
  return type * CODE_COUNT + code;
}

const EVERYTHING = Object.keys(PASSING_TYPES).map((type) => ({ type: type as PassingType }));

function tableOf(rules: readonly EventRule[], keepsGroups: boolean): Uint8Array {
  const table = new Uint8Array(TYPE_COUNT * CODE_COUNT);
  for (const { type: name, codes = [[0, CODE_COUNT - 1]] } of rules) {
    const type = PASSING_TYPES[name];
    for (const one of codes) {
      const [first, last] = typeof one === "number" ? [one, one] : one;
      table.fill(1, indexOf(type, first), indexOf(type, last) + 1);
    }
  }
  const hasAxis = table
    .subarray(indexOf(EV_ABS, 0), indexOf(EV_ABS + 1, 0))
    .some((bit, code) => bit === 1 && isMultiTouch(EV_ABS, code));
  if (hasAxis && keepsGroups) {
    for (const { type, code } of MULTI_TOUCH_GROUP) table[indexOf(type, code)] = 1;
  }
  return table;
}
