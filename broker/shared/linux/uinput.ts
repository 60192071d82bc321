import { closeSync, openSync, readFileSync, readdirSync, constants } from "node:fs";
import { ensureDeviceNode } from "./device-node.ts";
import { ABS_INFO_SIZE, ID_SIZE } from "./evdev.ts";
import type { DeviceDescription } from "./evdev.ts";
import { askDevice, io, ior, iow, tellDevice } from "./ioctl.ts";
import { cString } from "./libc.ts";

/**
 * Devices of our own (linux/uinput.h): bytes written to /dev/uinput are events of the device.
 */
const UINPUT = "/dev/uinput";
const UINPUT_NUMBERS = { kind: "character", major: 10, minor: 223 } as const;
const NAME_SIZE = 80;
const INT = 4;
const POINTER = 8;
/** struct uinput_setup: input_id, name, ff_effects_max. */
const SETUP_SIZE = ID_SIZE + NAME_SIZE + INT;
/** struct uinput_abs_setup: u16 code, padding, input_absinfo. */
const ABS_SETUP_SIZE = INT + ABS_INFO_SIZE;
const SYSNAME_SIZE = 64;

const UI_DEV_CREATE = io("U", 1);
const UI_DEV_DESTROY = io("U", 2);
const UI_DEV_SETUP = iow("U", 3, SETUP_SIZE);
const UI_ABS_SETUP = iow("U", 4, ABS_SETUP_SIZE);
const UI_SET_EVBIT = iow("U", 100, INT);
const UI_SET_PHYS = iow("U", 108, POINTER);
const UI_SET_PROPBIT = iow("U", 110, INT);
const UI_GET_SYSNAME = ior("U", 44, SYSNAME_SIZE);
/** Request that declares a code, by the code's type: UI_SET_KEYBIT and so on. */
const UI_SET_CODE_BIT: ReadonlyMap<number, number> = new Map(
  [
    [0x01, 101],
    [0x02, 102],
    [0x03, 103],
    [0x04, 104],
    [0x05, 109],
    [0x11, 105],
    [0x12, 106],
  ].map(([type = 0, number = 0]) => [type, iow("U", number, INT)]),
);

/** A device to make. */
export interface DeviceSetup extends DeviceDescription {
  /** Where it is, as EVIOCGPHYS tells it. */
  readonly phys: string;
}

/** A device that exists until it is closed, and its event node. */
export interface UinputDevice {
  /** Descriptor that native events are written to; whole frames. */
  readonly fd: number;
  readonly major: number;
  readonly minor: number;
  /** Destroy it: the kernel releases its keys, and its node's readers get ENODEV. */
  close(): void;
}

/** @throws SystemCallError ENOENT, ENODEV, … where the kernel has no uinput */
export function makeUinputDevice(setup: DeviceSetup): UinputDevice {
  ensureDeviceNode(UINPUT, UINPUT_NUMBERS);
  const fd = openSync(UINPUT, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    declare(fd, setup);
    tellDevice(fd, UI_DEV_CREATE, 0, "UI_DEV_CREATE");
    const close = () => {
      try {
        tellDevice(fd, UI_DEV_DESTROY, 0, "UI_DEV_DESTROY");
      } finally {
        closeSync(fd);
      }
    };
    return { fd, ...eventNode(fd), close };
  } catch (error) {
    // Closing destroys a device that has been made.
    closeSync(fd);
    throw error;
  }
}

function declare(fd: number, { id, name, phys, properties, codes, axes }: DeviceSetup): void {
  for (const property of properties) tellDevice(fd, UI_SET_PROPBIT, property, "UI_SET_PROPBIT");
  for (const [type, list] of codes) {
    const setBit = UI_SET_CODE_BIT.get(type);
    if (setBit === undefined || list.length === 0) continue;
    tellDevice(fd, UI_SET_EVBIT, type, "UI_SET_EVBIT");
    for (const code of list) tellDevice(fd, setBit, code, "UI_SET_KEYBIT");
  }
  for (const [axis, info] of axes)
    askDevice(fd, UI_ABS_SETUP, absSetup(axis, info), "UI_ABS_SETUP");
  askDevice(fd, UI_SET_PHYS, cString(phys), "UI_SET_PHYS");
  askDevice(fd, UI_DEV_SETUP, deviceSetup(id, name), "UI_DEV_SETUP");
}

function absSetup(axis: number, info: Buffer): Buffer {
  const setup = Buffer.alloc(ABS_SETUP_SIZE);
  setup.writeUInt16LE(axis);
  info.copy(setup, INT);
  return setup;
}

function deviceSetup(id: Buffer, name: string): Buffer {
  const setup = Buffer.alloc(SETUP_SIZE);
  id.copy(setup);
  // The kernel wants a name, ended by a NUL.
  setup.write(name || "input", ID_SIZE, NAME_SIZE - 1, "utf8");
  return setup;
}

/** The numbers of the event node, which sysfs tells: /sys/devices/virtual/input/inputN/eventM/dev. */
function eventNode(fd: number): { major: number; minor: number } {
  const sysname = Buffer.alloc(SYSNAME_SIZE);
  askDevice(fd, UI_GET_SYSNAME, sysname, "UI_GET_SYSNAME");
  const folder = `/sys/devices/virtual/input/${sysname.toString("latin1", 0, sysname.indexOf(0))}`;
  const event = readdirSync(folder).find((entry) => /^event\d+$/.test(entry));
  if (event === undefined) throw new Error(`${folder} has no event node`);
  const numbers = readFileSync(`${folder}/${event}/dev`, "latin1").trim().split(":").map(Number);
  const [major = 0, minor = 0] = numbers;
  return { major, minor };
}
