import { printable } from "../formats/printable.ts";
import { ExportError } from "./export-error.ts";

/** Facts from extended headers about the member after them. */
export interface Extended {
  readonly name?: Uint8Array;
  readonly size?: number;
  /** The headers that there were, by flag: `x`, `L`, `K`. */
  readonly flags: readonly string[];
}

export const nothingExtended: Extended = { flags: [] };

/** Keys of pax that change what a member is; the others say how it would be unpacked. */
const OVERRIDES = ["path", "linkpath", "size"];

/**
 * Take one extended header into account: `x` and `g` of pax (IEEE Std 1003.1, pax), `L` and `K` of
 * GNU. Where readers are known to differ (names given twice, a name or size for all that follow),
 * it is refused rather than guessed.
 * @param name the extended header's own, for messages
 * @throws ExportError
 */
export function extend(
  before: Extended,
  flag: string,
  content: Uint8Array,
  name: string,
): Extended {
  if (before.flags.includes(flag)) throw new ExportError("is one extended header too many", name);
  if (flag === "g") {
    for (const key of paxRecords(content, name).keys()) checkGlobal(key, name);
    return before;
  }
  const flags = [...before.flags, flag];
  if (flag === "K") return { ...before, flags };
  if (flag === "L") {
    if (before.name !== undefined) throw new ExportError("gives a second name", name);
    return { ...before, flags, name: withoutNul(content) };
  }
  const records = paxRecords(content, name);
  for (const key of records.keys()) checkSparse(key, name);
  const path = records.get("path");
  const size = records.get("size");
  if (path !== undefined && before.name !== undefined) {
    throw new ExportError("gives a second name", name);
  }
  return {
    ...before,
    flags,
    ...(path !== undefined && { name: path }),
    ...(size !== undefined && { size: sizeOf(size, name) }),
  };
}

/**
 * Records `<length> <key>=<value>\n`, where the length counts itself and the line end: a value may
 * hold line ends of its own. When a key comes twice, the last one counts (pax).
 */
function paxRecords(content: Uint8Array, name: string): Map<string, Uint8Array> {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  const records = new Map<string, Uint8Array>();
  for (let at = 0; at < bytes.length;) {
    const digits = /^([1-9]\d{0,9}) /.exec(bytes.toString("latin1", at, at + 12))?.[1] ?? "";
    const end = at + Number(digits);
    const begin = at + digits.length + 1;
    const equals = bytes.subarray(begin, end).indexOf("=");
    if (digits === "" || end > bytes.length || equals < 1 || bytes[end - 1] !== 0x0a) {
      throw new ExportError("is a damaged extended header", name);
    }
    const key = bytes.toString("utf8", begin, begin + equals);
    const value = bytes.subarray(begin + equals + 1, end - 1);
    // By the standard the header's own value would count; not all readers do that.
    if (OVERRIDES.includes(key) && value.length === 0) {
      throw new ExportError(`says ${key} without a value`, name);
    }
    records.set(key, value);
    at = end;
  }
  return records;
}

/** Half of the readers apply these to all members that follow, the others to none. */
function checkGlobal(key: string, name: string): void {
  if (OVERRIDES.includes(key)) throw new ExportError(`says ${key} for all members`, name);
  checkSparse(key, name);
}

function checkSparse(key: string, name: string): void {
  if (/^GNU\.sparse\.|^SCHILY\.realsize$/.test(key)) {
    throw new ExportError("is of a sparse file, which is not supported", name);
  }
  if (/^GNU\.(volume|dumpdir)/.test(key)) {
    throw new ExportError("is of a backup or a part of one, which is not supported", name);
  }
}

function sizeOf(value: Uint8Array, name: string): number {
  const text = Buffer.from(value).toString("latin1");
  const size = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  throw new ExportError(`says a size of ${printable(JSON.stringify(text.slice(0, 40)))}`, name);
}

/** GNU's names end with a NUL. */
function withoutNul(content: Uint8Array): Uint8Array {
  const end = content.indexOf(0);
  return end === -1 ? content : content.subarray(0, end);
}
