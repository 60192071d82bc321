import { MAX_MESSAGE } from "./limits.ts";

/** Codes of wl_display.error that belong to wl_display itself. */
export const INVALID_OBJECT = 0;
export const INVALID_METHOD = 1;
export const NO_MEMORY = 2;
export const IMPLEMENTATION = 3;

const WL_DISPLAY = 1;
const ERROR_OPCODE = 0;

/**
 * The event wl_display.error, behind which the connection is closed.
 * @param object id of the object that the error is about
 */
export function displayError(object: number, code: number, text: string): Buffer {
  const string = Buffer.from(text, "utf8").subarray(0, MAX_MESSAGE - 24);
  const padded = (string.length + 4) & ~3;
  const bytes = Buffer.alloc(20 + padded);
  bytes.writeUInt32LE(WL_DISPLAY, 0);
  bytes.writeUInt32LE(((bytes.length << 16) | ERROR_OPCODE) >>> 0, 4);
  bytes.writeUInt32LE(object, 8);
  bytes.writeUInt32LE(code, 12);
  bytes.writeUInt32LE(string.length + 1, 16);
  string.copy(bytes, 20);
  return bytes;
}
