/**
 * Input events as links of type input carry them: 24 bytes, little-endian, on every machine:
 * i64 seconds, i64 microseconds, u16 type, u16 code, i32 value. It is `struct input_event` of a
 * 64-bit kernel (linux/input.h).
 */
export const EVENT_SIZE = 24;
/** Bytes of the time, with which an event begins. */
const TIME_SIZE = 16;
const TYPE = 16;
const CODE = 18;
const VALUE = 20;

/** linux/input-event-codes.h */
export const EV_SYN = 0x00;
export const EV_KEY = 0x01;
export const EV_REL = 0x02;
export const EV_ABS = 0x03;
export const EV_MSC = 0x04;
export const EV_SW = 0x05;
export const EV_LED = 0x11;
export const EV_SND = 0x12;
const EV_REP = 0x14;
const EV_FF = 0x15;
const EV_PWR = 0x16;
const EV_FF_STATUS = 0x17;

export const SYN_REPORT = 0;
export const SYN_MT_REPORT = 2;
export const SYN_DROPPED = 3;

/** Number of codes of the type that has most: KEY_CNT. */
export const CODE_COUNT = 0x300;

/** Largest code of each type. Events of other types or codes are no input events. */
export const LARGEST_CODE: ReadonlyMap<number, number> = new Map([
  [EV_SYN, 0x0f],
  [EV_KEY, CODE_COUNT - 1],
  [EV_REL, 0x0f],
  [EV_ABS, 0x3f],
  [EV_MSC, 0x07],
  [EV_SW, 0x1f],
  [EV_LED, 0x0f],
  [EV_SND, 0x07],
  [EV_REP, 0x01],
  [EV_FF, 0x7f],
  [EV_PWR, 0xff],
  [EV_FF_STATUS, 0x01],
]);

/** An event without its time. */
export interface InputEvent {
  readonly type: number;
  readonly code: number;
  readonly value: number;
}

export function typeAt(events: Buffer, at: number): number {
  return events.readUInt16LE(at + TYPE);
}

export function codeAt(events: Buffer, at: number): number {
  return events.readUInt16LE(at + CODE);
}

export function valueAt(events: Buffer, at: number): number {
  return events.readInt32LE(at + VALUE);
}

export const REPORT: InputEvent = { type: EV_SYN, code: SYN_REPORT, value: 0 };
/** Frame that tells a reader of lost events; a frame with the state follows it. */
export const DROPPED_FRAME: readonly InputEvent[] = [
  { type: EV_SYN, code: SYN_DROPPED, value: 0 },
  REPORT,
];

/** True for the event that ends a frame. */
export function isReport(events: Buffer, at: number): boolean {
  return typeAt(events, at) === EV_SYN && codeAt(events, at) === SYN_REPORT;
}

const NO_TIME = Buffer.alloc(TIME_SIZE);

/** The time of the last event, as it stands there. */
export function lastTime(events: Buffer): Buffer {
  const at = events.length - EVENT_SIZE;
  return at < 0 ? NO_TIME : Buffer.from(events.subarray(at, at + TIME_SIZE));
}

/** True for the event that says that others before it were lost. */
export function isDropped(events: Buffer, at: number): boolean {
  return typeAt(events, at) === EV_SYN && codeAt(events, at) === SYN_DROPPED;
}

/** @param time that all of them get */
export function encodeEvents(events: readonly InputEvent[], time: Buffer = NO_TIME): Buffer {
  const bytes = Buffer.alloc(events.length * EVENT_SIZE);
  for (const [index, { type, code, value }] of events.entries()) {
    const at = index * EVENT_SIZE;
    time.copy(bytes, at);
    bytes.writeUInt16LE(type, at + TYPE);
    bytes.writeUInt16LE(code, at + CODE);
    bytes.writeInt32LE(value, at + VALUE);
  }
  return bytes;
}

/** @param events whole events */
export function decodeEvents(events: Buffer): InputEvent[] {
  return Array.from({ length: events.length / EVENT_SIZE }, (_, index) => {
    const at = index * EVENT_SIZE;
    return { type: typeAt(events, at), code: codeAt(events, at), value: valueAt(events, at) };
  });
}
