import { inspect, types } from "node:util";
import { propertyOf } from "../thrown.ts";

/** Structures in each other that are searched for matchers. */
const DEPTH = 6;

/** A value in which asymmetric matchers, as `expect.any(Number)`, read as words. */
export function withWords(value: unknown, depth = DEPTH): unknown {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return value;
  if (isMatcher(value)) return { [inspect.custom]: () => wordsOf(value) };
  if (depth === 0) return value;
  if (Array.isArray(value)) return value.map((one) => withWords(one, depth - 1));
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, withWords(one, depth - 1)]),
  );
}

const MATCHER = Symbol.for("jest.asymmetricMatcher");

/** An asymmetric matcher, as `expect.any(Number)`. */
export function isMatcher(value: unknown): boolean {
  return typeof value === "object" && propertyOf(value, "$$typeof") === MATCHER;
}

function wordsOf(matcher: object): string {
  const sample = propertyOf(matcher, "sample");
  const name = matcher.constructor.name;
  const shown = inspect(withWords(sample), { depth: 4, breakLength: Infinity });
  if (name === "Any" && typeof sample === "function") return `any ${sample.name}`;
  if (name === "Anything") return "anything";
  return `${name.replaceAll(/(?!^)([A-Z])/g, " $1").toLowerCase()} ${shown}`;
}

/** An object without a class of its own. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
