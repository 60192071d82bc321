import { ExportError } from "./export-error.ts";

export const BLOCK = 512;

/** One header block of a tar (tar(5)). */
export interface TarHeader {
  /** Bytes of name and prefix; what extended headers say comes later. */
  readonly name: Uint8Array;
  /** Size in bytes; undefined when the field is no number: an extended header may have it. */
  readonly size: number | undefined;
  /** The type flag, one character. */
  readonly flag: string;
}

/**
 * Take a block apart that is not all zeros. Formats: POSIX ustar, star's and pax's use of it, and
 * GNU's. The older one without `ustar` in it (v7) is refused: Pantavisor's pvtx reads none.
 * @param previous name of the member before
 * @throws ExportError
 */
export function readHeader(block: Uint8Array, previous: string | undefined): TarHeader {
  const isSummed = sumsUp(block);
  const magic = latin1(block, 257, 8);
  if (!magic.startsWith("ustar")) {
    if (isSummed) throw new ExportError("is a tar without the magic ustar (v7)", previous);
    throw notAHeader(previous);
  }
  if (!isSummed) throw notAHeader(previous);
  return {
    name: nameOf(block, magic),
    size: numberAt(block, 124, 12),
    flag: latin1(block, 156, 1),
  };
}

function notAHeader(previous: string | undefined): ExportError {
  if (previous === undefined) return new ExportError("is not a tar archive");
  return new ExportError("is followed by what is not a tar header", previous);
}

/** The sum counts its own field as spaces. Some old writers summed signed bytes. */
function sumsUp(block: Uint8Array): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < BLOCK; at += 1) {
    const byte = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  const said = numberAt(block, 148, 8);
  return said === unsigned || (said !== undefined && said === signed);
}

function nameOf(block: Uint8Array, magic: string): Uint8Array {
  const name = untilNul(block, 0, 100);
  // GNU keeps times and sparse maps where POSIX has the prefix, star the last 24 bytes of it.
  const isStar = latin1(block, 508, 4) === "tar\0";
  const prefix = magic[5] === "\0" ? untilNul(block, 345, isStar ? 131 : 155) : name.subarray(0, 0);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]);
}

/** Octal digits among spaces and NULs, or GNU's base 256. Nothing at all is 0. */
function numberAt(block: Uint8Array, at: number, length: number): number | undefined {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) return base256(block.subarray(at, at + length));
  const digits = /^ *([0-7]*)[ \0]*$/.exec(latin1(block, at, length))?.[1];
  if (digits === undefined) return undefined;
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** Big-endian in the bits below the first; negative numbers are nobody's size. */
function base256(field: Uint8Array): number | undefined {
  let value = 0;
  for (const [index, byte] of field.entries()) {
    value = value * 256 + (index === 0 ? byte & 0x7f : byte);
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return value;
}

function untilNul(block: Uint8Array, at: number, length: number): Uint8Array {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

function latin1(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString("latin1");
}
