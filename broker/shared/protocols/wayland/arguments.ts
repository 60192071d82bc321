import type { Message } from "./interfaces.ts";

/** Bytes of one chunk of a connection, in two views of one memory. */
export interface WireBytes {
  readonly buffer: Buffer;
  readonly view: DataView;
}

export function wireBytes(buffer: Buffer): WireBytes {
  return { buffer, view: new DataView(buffer.buffer, buffer.byteOffset, buffer.length) };
}

/**
 * Compare the arguments of a message with its signature. Stricter than libwayland 1.21, which
 * takes messages longer than their arguments and strings with a NUL inside.
 *
 * @param at offset of the message's header
 * @param size from the header
 * @returns the fault; undefined when there is none
 */
export function argumentFault(
  { buffer, view }: WireBytes,
  at: number,
  size: number,
  { args, size: fixed }: Message,
): string | undefined {
  if (fixed !== -1 && size !== fixed) return `${size} bytes instead of ${fixed}`;
  const end = at + size;
  let place = at + 8;
  for (let index = 0; index < args.length; index += 1) {
    const letter = args[index];
    if (letter === "h") continue;
    if (place + 4 > end) return "too few bytes for its arguments";
    const value = view.getUint32(place, true);
    place += 4;
    if (value === 0) {
      if (letter === "o") return "no object where one is required";
      if (letter === "n") return "no new id";
      if (letter === "s") return "no string where one is required";
      continue;
    }
    if (letter !== "s" && letter !== "S" && letter !== "a" && letter !== "A") continue;
    if (value > end - place) return `an argument of ${value} bytes`;
    if (letter !== "a" && letter !== "A" && buffer.indexOf(0, place) !== place + value - 1) {
      return "a string that does not end with its first NUL";
    }
    place += padded(value);
    if (place > end) return "too few bytes for its arguments";
  }
  return place === end ? undefined : `${end - place} bytes behind its arguments`;
}

/**
 * Offset of an argument of a message without a fault.
 * @param index place in `args`; that of an fd has no bytes
 */
export function argumentOffset(
  { view }: WireBytes,
  at: number,
  { args }: Message,
  index: number,
): number {
  let place = at + 8;
  for (let before = 0; before < index; before += 1) {
    const letter = args[before];
    if (letter === "h") continue;
    const varies = letter === "s" || letter === "S" || letter === "a" || letter === "A";
    place += 4 + (varies ? padded(view.getUint32(place, true)) : 0);
  }
  return place;
}

/** The string at an argument's offset, without its NUL; null is "". */
export function stringAt({ buffer, view }: WireBytes, place: number): string {
  const length = view.getUint32(place, true);
  return buffer.toString("latin1", place + 4, place + 4 + Math.max(0, length - 1));
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
