import { closeSync, openSync } from "node:fs";
import { check, libc } from "./libc.ts";
import { ensureDeviceNode } from "./device-node.ts";
import { SystemCallError } from "./errno.ts";

/**
 * Loop devices: a read-only file as a block device that frees itself with its last mount
 * (loop(4); LOOP_CONFIGURE is atomic, Linux ≥ 5.8).
 */
const LOOP_CTL_ADD = 0x4c80;
const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_MAJOR = 7;

/** struct loop_config: u32 fd, u32 block_size, struct loop_info64 (232 bytes), u64[8]. */
const CONFIG_SIZE = 304;
const FLAGS_OFFSET = 8 + 52;
const FILE_NAME_OFFSET = 8 + 56;
const FILE_NAME_SIZE = 64;
const LO_FLAGS_READ_ONLY = 1;
const LO_FLAGS_AUTOCLEAR = 4;

/** Devices per appengine, as on the real one. */
const BAND_WIDTH = 64;
/** Attempts to attach: another appengine may take the free device between our two calls. */
const MAX_RACES = 256;

const ioctlNumber = libc.func("ioctl", "int", ["int", "unsigned long", "long"]);
const ioctlBuffer = libc.func("ioctl", "int", ["int", "unsigned long", "void *"]);

export interface LoopDevice extends Disposable {
  /**
   * Path such as "/dev/loop7". Close the handle (dispose) after mounting: the mount keeps the
   * device.
   */
  readonly path: string;
}

/** Make /dev/loop-control if the engine did not. */
export function ensureLoopControl(): void {
  ensureDeviceNode("/dev/loop-control", { kind: "character", major: 10, minor: 237 });
}

/**
 * Attach a file read-only to a free loop device.
 * @param bandBase first index of this appengine's own band of 64; any free device when absent
 * @throws SystemCallError, or Error when the band is full
 */
export function attachLoop(file: string, bandBase?: number): LoopDevice {
  const control = openSync("/dev/loop-control", "r+");
  const backing = openSync(file, "r");
  try {
    for (const index of candidates(control, bandBase)) {
      const device = configure(index, backing, file);
      if (device !== undefined) return device;
    }
  } finally {
    closeSync(backing);
    closeSync(control);
  }
  throw new Error(
    bandBase === undefined
      ? `no free loop device for ${file}`
      : `no free loop device in ${bandBase}..${bandBase + BAND_WIDTH - 1} for ${file}`,
  );
}

function* candidates(control: number, bandBase: number | undefined): Generator<number> {
  if (bandBase === undefined) {
    for (let race = 0; race < MAX_RACES; race++) {
      yield check(ioctlNumber(control, LOOP_CTL_GET_FREE, 0) as number, "LOOP_CTL_GET_FREE");
    }
    return;
  }
  for (let index = bandBase; index < bandBase + BAND_WIDTH; index++) {
    try {
      check(ioctlNumber(control, LOOP_CTL_ADD, index) as number, "LOOP_CTL_ADD");
    } catch (error) {
      if (!(error instanceof SystemCallError && error.code === "EEXIST")) throw error;
    }
    yield index;
  }
}

/** @returns undefined when the device is taken */
function configure(index: number, backing: number, file: string): LoopDevice | undefined {
  const path = `/dev/loop${index}`;
  ensureDeviceNode(path, { kind: "block", major: LOOP_MAJOR, minor: index });
  const device = openSync(path, "r");
  try {
    const config = Buffer.alloc(CONFIG_SIZE);
    config.writeUInt32LE(backing, 0);
    config.writeUInt32LE(LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR, FLAGS_OFFSET);
    // The name is only a label for losetup(8); its last byte stays NUL.
    config.write(file, FILE_NAME_OFFSET, FILE_NAME_SIZE - 1, "utf8");
    check(ioctlBuffer(device, LOOP_CONFIGURE, config) as number, "LOOP_CONFIGURE", path);
  } catch (error) {
    closeSync(device);
    if (error instanceof SystemCallError && error.code === "EBUSY") return undefined;
    throw error;
  }
  return {
    path,
    [Symbol.dispose]() {
      closeSync(device);
    },
  };
}
