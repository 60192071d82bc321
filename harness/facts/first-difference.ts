import { isDeepStrictEqual, types } from "node:util";
import { isMatcher, isPlain } from "./matcher-words.ts";
import { propertyOf } from "../thrown.ts";

/** A place in a structure at which it is not as promised. */
export interface Difference {
  /** `auto_recovery.type`, `[2].status` */
  readonly at: string;
  /** Undefined: there is nothing. */
  readonly actual: unknown;
  readonly promised: unknown;
}

/** Structures in each other that are compared. */
const DEPTH = 8;

/** The first place at which a structure is not as promised, for a sentence that has no room for both. */
export function firstDifference(
  actual: unknown,
  promised: unknown,
  at = "",
  depth = DEPTH,
): Difference | undefined {
  const here = { at, actual, promised };
  if (isMatcher(promised)) return isMatched(promised, actual) ? undefined : here;
  const isList = Array.isArray(actual) && Array.isArray(promised);
  if (depth === 0 || !(isList || (isStructure(actual) && isStructure(promised)))) {
    return isDeepStrictEqual(actual, promised) ? undefined : here;
  }
  const keys = isList
    ? Array.from({ length: Math.max(actual.length, promised.length) }, (_, index) => String(index))
    : [...new Set([...Object.keys(promised), ...Object.keys(actual)])];
  for (const key of keys) {
    const place = isList ? `${at}[${key}]` : at === "" ? key : `${at}.${key}`;
    const [left, right] = [propertyOf(actual, key), propertyOf(promised, key)];
    const found = firstDifference(left, right, place, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isStructure(value: unknown): value is object {
  return typeof value === "object" && value !== null && !types.isProxy(value) && isPlain(value);
}

function isMatched(matcher: unknown, value: unknown): boolean {
  const match = propertyOf(matcher, "asymmetricMatch");
  if (typeof match !== "function") return false;
  try {
    return Reflect.apply(match, matcher, [value]) === true;
  } catch {
    return false;
  }
}
