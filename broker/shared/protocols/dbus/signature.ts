import { MAX_ARRAY_BYTES, MAX_DEPTH, MAX_TOTAL_DEPTH } from "./limits.ts";
import { MalformedMessage } from "./malformed-message.ts";
import type { WireReader } from "./wire-reader.ts";

/** Basic types and the variant: complete types of one character. */
const SINGLE = "ybnqiuxtdhsogv";
const BASIC = "ybnqiuxtdhsog";
const SIZES: Readonly<Record<string, number>> = {
  ...{ y: 1, b: 4, n: 2, q: 2, i: 4, u: 4, x: 8, t: 8, d: 8, h: 4, s: 4, o: 4, g: 1 },
  ...{ v: 1, a: 4, "(": 8, "{": 8 },
};
const MAX_SIGNATURE = 255;

/**
 * The end of the complete type at `from`.
 * @throws MalformedMessage when there is none (specification, "Valid Signatures")
 */
export function typeEnd(signature: string, from: number): number {
  return endOf(signature, from, 0, 0);
}

/** @throws MalformedMessage unless the signature is a sequence of complete types */
export function checkSignature(signature: string): void {
  if (signature.length > MAX_SIGNATURE) throw new MalformedMessage("a signature that is too long");
  for (let at = 0; at < signature.length;) at = typeEnd(signature, at);
}

/**
 * Pass over the value of the complete type at `from`. The value is checked only as far as its
 * length depends on it.
 * @returns where the type ends
 */
export function skipValue(reader: WireReader, signature: string, from: number, depth = 0): number {
  if (depth > MAX_TOTAL_DEPTH) throw new MalformedMessage("values nested too deeply");
  const type = signature[from] ?? "";
  const size = SIZES[type];
  if (size === undefined) throw new MalformedMessage("an unknown type");
  switch (type) {
    case "s":
      reader.string();
      return from + 1;
    case "o":
      reader.objectPath();
      return from + 1;
    case "g":
      checkSignature(reader.signature());
      return from + 1;
    case "b":
      if (reader.uint32() > 1) throw new MalformedMessage("a boolean that is neither");
      return from + 1;
    case "v":
      skipVariant(reader, depth + 1);
      return from + 1;
    case "a":
      return skipArray(reader, signature, from + 1, depth + 1);
    case "(":
    case "{": {
      reader.align(8);
      let at = from + 1;
      while (!")}".includes(signature[at] ?? ")")) at = skipValue(reader, signature, at, depth + 1);
      return at + 1;
    }
    default:
      reader.align(size);
      reader.skip(size);
      return from + 1;
  }
}

function skipVariant(reader: WireReader, depth: number): void {
  const signature = reader.signature();
  if (signature === "" || typeEnd(signature, 0) !== signature.length) {
    throw new MalformedMessage("a variant that is not of one complete type");
  }
  skipValue(reader, signature, 0, depth);
}

function skipArray(reader: WireReader, signature: string, item: number, depth: number): number {
  const length = reader.uint32();
  if (length > MAX_ARRAY_BYTES) throw new MalformedMessage("an array that is too long");
  const size = SIZES[signature[item] ?? ""] ?? 1;
  reader.align(size);
  const end = reader.position + length;
  if (end > reader.end) throw new MalformedMessage("an array that goes beyond its end");
  if (isOfFixedSize(signature[item]) && length % size === 0) reader.skip(length);
  while (reader.position < end) skipValue(reader, signature, item, depth);
  if (reader.position !== end) throw new MalformedMessage("an array whose items overlap its end");
  // Start at the array's `a`: a dictionary entry alone is no complete type.
  return typeEnd(signature, item - 1);
}

/** True for a basic type of fixed size for which every value is valid (so not for booleans). */
function isOfFixedSize(type: string | undefined): boolean {
  return type !== undefined && "ynqiuxtdh".includes(type);
}

function endOf(signature: string, from: number, arrays: number, structures: number): number {
  if (arrays > MAX_DEPTH || structures > MAX_DEPTH) {
    throw new MalformedMessage("a signature nested too deeply");
  }
  const type = signature[from];
  if (type === undefined) throw new MalformedMessage("a signature that ends in a type");
  if (SINGLE.includes(type)) return from + 1;
  if (type === "a") {
    if (signature[from + 1] === "{")
      return dictionaryEnd(signature, from + 2, arrays + 1, structures);
    return endOf(signature, from + 1, arrays + 1, structures);
  }
  if (type !== "(") throw new MalformedMessage("an unknown type");
  if (signature[from + 1] === ")") throw new MalformedMessage("an empty structure");
  let at = from + 1;
  while (signature[at] !== ")") at = endOf(signature, at, arrays, structures + 1);
  return at + 1;
}

function dictionaryEnd(signature: string, key: number, arrays: number, structures: number): number {
  if (!BASIC.includes(signature[key] ?? " ")) throw new MalformedMessage("a key that is not basic");
  // An entry does not count as a structure: its depth is the depth of its array.
  const end = endOf(signature, key + 1, arrays, structures);
  if (signature[end] !== "}") throw new MalformedMessage("an entry of more than two");
  return end + 1;
}
