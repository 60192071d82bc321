import { askDevice, ior, iow, tellDevice } from "./ioctl.ts";
import { lastErrno, libc } from "./libc.ts";
import type { Scratch } from "./stream-io.ts";

/**
 * Event devices, /dev/input/eventN (linux/input.h). Events come as `struct input_event` of this
 * program: its two time fields are longs.
 */
export const NATIVE_EVENT_SIZE = ["x64", "arm64"].includes(process.arch) ? 24 : 16;

const CLOCK_MONOTONIC = 1;
const EV_KEY = 0x01;
const EV_ABS = 0x03;
const EV_SW = 0x05;
const EV_LED = 0x11;
const EV_SND = 0x12;
const ABS_MT_SLOT = 0x2f;
const ABS_MT_LAST = 0x3d;
/** Bytes that hold a bit for each code of any type: KEY_CNT / 8. */
const BITS_SIZE = 96;
/** struct input_absinfo: value, minimum, maximum, fuzz, flat, resolution. */
export const ABS_INFO_SIZE = 24;
/** struct input_id: bus type, vendor, product, version. */
export const ID_SIZE = 8;
const NAME_SIZE = 256;
/** Most slots asked for; a device with more has hardly been made. */
const MAX_SLOTS = 256;

const INT = 4;
const EVIOCGID = ior("E", 0x02, ID_SIZE);
const EVIOCGRAB = iow("E", 0x90, INT);
const EVIOCREVOKE = iow("E", 0x91, INT);
const EVIOCSCLOCKID = iow("E", 0xa0, INT);
const EVIOCGNAME = ior("E", 0x06, NAME_SIZE);
const EVIOCGPROP = ior("E", 0x09, BITS_SIZE);
const EVIOCGMTSLOTS = ior("E", 0x0a, INT * (1 + MAX_SLOTS));
const eviocgbit = (type: number) => ior("E", 0x20 + type, BITS_SIZE);
const eviocgabs = (axis: number) => ior("E", 0x40 + axis, ABS_INFO_SIZE);
/** Requests that give a bit for each code that is on. */
const EVIOCGSTATE: ReadonlyMap<number, number> = new Map([
  [EV_KEY, ior("E", 0x18, BITS_SIZE)],
  [EV_LED, ior("E", 0x19, BITS_SIZE)],
  [EV_SND, ior("E", 0x1a, BITS_SIZE)],
  [EV_SW, ior("E", 0x1b, BITS_SIZE)],
]);

/** Description of a device: enough to make another one like it. */
export interface DeviceDescription {
  /** struct input_id. */
  readonly id: Buffer;
  readonly name: string;
  /** Numbers of its INPUT_PROP_* properties. */
  readonly properties: readonly number[];
  /** Codes that it can send, by type. */
  readonly codes: ReadonlyMap<number, readonly number[]>;
  /** struct input_absinfo by axis. */
  readonly axes: ReadonlyMap<number, Buffer>;
}

/** Part of a device's state, as an event that would cause it. */
export interface StateEvent {
  readonly type: number;
  readonly code: number;
  readonly value: number;
}

/**
 * Keep the device from all other readers, the console among them.
 * @throws SystemCallError EBUSY when another one has done that
 */
export function grabDevice(fd: number): void {
  tellDevice(fd, EVIOCGRAB, 1, "EVIOCGRAB");
}

/** End all reading through this open file, duplicates of the descriptor included. */
export function revokeDevice(fd: number): void {
  tellDevice(fd, EVIOCREVOKE, 0, "EVIOCREVOKE");
}

/** Have events carry times of CLOCK_MONOTONIC. */
export function useMonotonicTimes(fd: number): void {
  const clock = Buffer.alloc(INT);
  clock.writeInt32LE(CLOCK_MONOTONIC);
  askDevice(fd, EVIOCSCLOCKID, clock, "EVIOCSCLOCKID");
}

const readCall = libc.func("int64_t read(int, uintptr_t, size_t)") as (
  fd: number,
  address: number,
  size: number,
) => number;

/** read(2): the number of bytes, or the negative errno: -EAGAIN for none, -ENODEV for a device that has gone. */
export function readDevice(fd: number, into: Scratch, size: number): number {
  const count = readCall(fd, into.address, size);
  return count === -1 ? -lastErrno() : count;
}

/** @throws SystemCallError */
export function describeDevice(fd: number): DeviceDescription {
  const id = Buffer.alloc(ID_SIZE);
  askDevice(fd, EVIOCGID, id, "EVIOCGID");
  const name = Buffer.alloc(NAME_SIZE);
  askDevice(fd, EVIOCGNAME, name, "EVIOCGNAME");
  const types = bitsOf(fd, eviocgbit(0), "EVIOCGBIT").filter((type) => type !== 0);
  const codes = new Map(
    types.map((type) => [type, bitsOf(fd, eviocgbit(type), "EVIOCGBIT")] as const),
  );
  const axes = (codes.get(EV_ABS) ?? []).map((axis) => [axis, axisOf(fd, axis)] as const);
  return {
    id,
    name: name.toString("utf8", 0, name.indexOf(0)),
    properties: bitsOf(fd, EVIOCGPROP, "EVIOCGPROP"),
    codes,
    axes: new Map(axes),
  };
}

/**
 * The state of a device: codes that are on, axes, and the axes of each multi-touch slot, with the
 * slot that comes next at the end.
 * @throws SystemCallError
 */
export function readDeviceState(fd: number): StateEvent[] {
  const { codes, axes } = describeDevice(fd);
  const on = [...EVIOCGSTATE].flatMap(([type, code]) =>
    codes.has(type)
      ? bitsOf(fd, code, "EVIOCGKEY, …").map((one) => ({ type, code: one, value: 1 }))
      : [],
  );
  const axis = (code: number, value: number) => ({ type: EV_ABS, code, value });
  const simple = [...axes].filter(([code]) => code < ABS_MT_SLOT || code > ABS_MT_LAST);
  return [
    ...on,
    ...simple.map(([code, info]) => axis(code, info.readInt32LE(0))),
    ...slotsOf(fd, axes).map(([code, value]) => axis(code, value)),
  ];
}

function slotsOf(fd: number, axes: DeviceDescription["axes"]): [number, number][] {
  const slot = axes.get(ABS_MT_SLOT);
  if (slot === undefined) return [];
  const count = Math.min(slot.readInt32LE(8) + 1, MAX_SLOTS);
  const columns = [...axes.keys()]
    .filter((code) => code > ABS_MT_SLOT && code <= ABS_MT_LAST)
    .map((code) => [code, slotValues(fd, code)] as const);
  const rows = Array.from({ length: count }, (_, index) => [
    [ABS_MT_SLOT, index] as [number, number],
    ...columns.map(([code, values]) => [code, values[index] ?? 0] as [number, number]),
  ]);
  return [...rows.flat(), [ABS_MT_SLOT, slot.readInt32LE(0)]];
}

function slotValues(fd: number, code: number): Int32Array {
  const values = Buffer.alloc(INT * (1 + MAX_SLOTS));
  values.writeInt32LE(code);
  askDevice(fd, EVIOCGMTSLOTS, values, "EVIOCGMTSLOTS");
  return Int32Array.from({ length: MAX_SLOTS }, (_, index) =>
    values.readInt32LE(INT + INT * index),
  );
}

function axisOf(fd: number, axis: number): Buffer {
  const info = Buffer.alloc(ABS_INFO_SIZE);
  askDevice(fd, eviocgabs(axis), info, "EVIOCGABS");
  return info;
}

function bitsOf(fd: number, code: number, name: string): number[] {
  const bits = Buffer.alloc(BITS_SIZE);
  askDevice(fd, code, bits, name);
  return [...bits].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7]
      .filter((bit) => (byte & (1 << bit)) !== 0)
      .map((bit) => index * 8 + bit),
  );
}
