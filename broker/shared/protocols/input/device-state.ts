import {
  EVENT_SIZE,
  EV_ABS,
  EV_KEY,
  EV_LED,
  EV_SND,
  EV_SW,
  REPORT,
  codeAt,
  lastTime,
  typeAt,
  valueAt,
} from "./input-event.ts";
import type { InputEvent } from "./input-event.ts";
import { ABS_MT_SLOT, ABS_MT_TRACKING_ID, isMultiTouch } from "./multi-touch.ts";

/** Types whose codes are on or off. */
const ON_OFF: readonly number[] = [EV_KEY, EV_SW, EV_LED, EV_SND];
/** Tracking id of a slot without a contact. */
const NO_CONTACT = -1;

/** Axes of a slot by code, its tracking id among them. */
type Slot = Map<number, number>;

/**
 * State of a device as its events tell it: keys that are down, switches, axes, contacts. A node tells it by
 * ioctl; a stream cannot be asked, so the broker keeps it. Its size is bounded by the codes and by
 * MAX_SLOTS, since a FrameReader has checked the events.
 */
export class DeviceState {
  /** Codes that are on, by type. */
  #on = new Map<number, Set<number>>(ON_OFF.map((type) => [type, new Set()]));
  #axes = new Map<number, number>();
  #slots = new Map<number, Slot>();
  /** The slot that multi-touch events belong to; undefined for a device that has named none. */
  #slot: number | undefined;
  #time: Buffer | undefined;

  /** Time of the newest event, as events have it; undefined before the first one. */
  get time(): Buffer | undefined {
    return this.#time;
  }

  /** @param frames checked by a FrameReader */
  apply(frames: Buffer): void {
    this.#time = lastTime(frames);
    for (let at = 0; at < frames.length; at += EVENT_SIZE) {
      const type = typeAt(frames, at);
      const on = this.#on.get(type);
      if (on !== undefined) {
        if (valueAt(frames, at) === 0) on.delete(codeAt(frames, at));
        else on.add(codeAt(frames, at));
      } else if (type === EV_ABS) this.#setAxis(codeAt(frames, at), valueAt(frames, at));
    }
  }

  /** As after all events were lost: nothing is on, no contact, no known axis. */
  forget(): void {
    for (const on of this.#on.values()) on.clear();
    this.#axes.clear();
    this.#slots.clear();
    this.#slot = undefined;
  }

  copy(): DeviceState {
    const copy = new DeviceState();
    copy.#on = new Map([...this.#on].map(([type, on]) => [type, new Set(on)]));
    copy.#axes = new Map(this.#axes);
    copy.#slots = new Map([...this.#slots].map(([slot, axes]) => [slot, new Map(axes)]));
    copy.#slot = this.#slot;
    copy.#time = this.#time;
    return copy;
  }

  /**
   * One frame that tells a reader this state.
   *
   * It is right for a reader that has forgotten all, and for one that applies it to what it knows:
   * it also ends the keys and contacts of `told` that have gone.
   * @param told state that the reader knows, if it knows one
   */
  frame(told = new DeviceState()): InputEvent[] {
    return [...this.#switches(told), ...this.#axisEvents(), ...this.#contacts(told), REPORT];
  }

  #setAxis(code: number, value: number): void {
    if (!isMultiTouch(EV_ABS, code)) this.#axes.set(code, value);
    else if (code === ABS_MT_SLOT) this.#slot = value;
    else {
      const slot = this.#slot ?? 0;
      const axes = this.#slots.get(slot) ?? new Map<number, number>();
      this.#slots.set(slot, axes.set(code, value));
    }
  }

  #switches(told: DeviceState): InputEvent[] {
    return [...this.#on].flatMap(([type, on]) => {
      const off = [...(told.#on.get(type) ?? [])].filter((code) => !on.has(code));
      return [
        ...off.map((code) => ({ type, code, value: 0 })),
        ...[...on].map((code) => ({ type, code, value: 1 })),
      ];
    });
  }

  #axisEvents(): InputEvent[] {
    return [...this.#axes].map(([code, value]) => axis(code, value));
  }

  #contacts(told: DeviceState): InputEvent[] {
    const known = this.#tracked();
    const gone = [...told.#tracked()].filter(
      ([slot, axes]) => !known.has(slot) && axes.get(ABS_MT_TRACKING_ID) !== NO_CONTACT,
    );
    const events = [
      ...gone.flatMap(([slot]) => [axis(ABS_MT_SLOT, slot), axis(ABS_MT_TRACKING_ID, NO_CONTACT)]),
      // Slots without a contact too: the kernel does not send a later contact's axes again that are
      // still the same.
      ...[...known].flatMap(([slot, axes]) => [
        axis(ABS_MT_SLOT, slot),
        ...[...axes].map(([code, value]) => axis(code, value)),
      ]),
    ];
    // The next events belong to this slot and need not name it.
    const slot = this.#slot ?? (events.length > 0 ? 0 : undefined);
    return slot === undefined ? [] : [...events, axis(ABS_MT_SLOT, slot)];
  }

  /** Slots of protocol B. Contacts of protocol A have no tracking id, and each frame tells all. */
  #tracked(): Map<number, Slot> {
    return new Map([...this.#slots].filter(([, axes]) => axes.has(ABS_MT_TRACKING_ID)));
  }
}

function axis(code: number, value: number): InputEvent {
  return { type: EV_ABS, code, value };
}
