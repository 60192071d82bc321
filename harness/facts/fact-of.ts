import type { Fact } from "../../reports/failure-details.ts";
import { propertyOf } from "../thrown.ts";
import { promiseWords } from "./promise-words.ts";
import type { Assertion } from "./promise-words.ts";
import { structureDiff } from "./structure-diff.ts";
import { firstDifference } from "./first-difference.ts";
import { SHORT, shortened, valueWords, wholeWords } from "./value-words.ts";

/** Key of the fact in an assertion's error. */
export const FACT = "pvhFact";

/**
 * The fact that an assertion has refused.
 * @param value the value that was judged; for a promise, the value that it came to
 */
export function factOf(assertion: Assertion, value: unknown, error: unknown): Fact {
  const { what, matcher, args } = assertion;
  const [expected] = args;
  const compared = matcher === "toMatchObject" ? (propertyOf(error, "actual") ?? value) : value;
  const diff = COMPARED.has(matcher) ? structureDiff(compared, expected) : undefined;
  return {
    ...(sideWords(assertion, compared) ?? {
      what,
      actual: actualWords(assertion, compared),
      promised: promiseWords(assertion),
    }),
    ...(diff !== undefined && { diff }),
  };
}

/** Words of the first difference, where both sides are too long for a sentence. */
function sideWords(
  { what, matcher, args, isNegated }: Assertion,
  compared: unknown,
): Omit<Fact, "diff"> | undefined {
  const [expected] = args;
  if (isNegated || !COMPARED.has(matcher) || typeof compared === "string") return undefined;
  if (Math.max(wholeWords(compared).length, wholeWords(expected).length) <= SHORT) return undefined;
  const found = firstDifference(compared, expected);
  if (found === undefined || found.at === "") return undefined;
  const { at, actual, promised } = found;
  return {
    what: `${what}, at ${at}`,
    actual: valueWords(actual, at),
    promised: valueWords(promised, at),
  };
}

/** A fact as a sentence: `uid of the connection: 0 (root), promised 65534 (nobody)`. */
export function factWords({ what, actual, promised }: Omit<Fact, "diff">): string {
  return `${what}: ${actual}, promised ${promised}`;
}

/** Matchers that compare the value with another of its kind. */
const COMPARED: ReadonlySet<string> = new Set([
  "toBe",
  "toEqual",
  "toStrictEqual",
  "toMatchObject",
]);

function actualWords({ matcher, args: [key], what }: Assertion, value: unknown): string {
  const length = matcher === "toHaveLength" ? propertyOf(value, "length") : undefined;
  if (matcher === "toHaveProperty" && typeof key === "string") {
    const property = propertyOf(value, key);
    if (property !== undefined) return `one with ${key} ${shortened(property)}`;
  }
  if (typeof length === "number") return `${length}: ${shortened(value)}`;
  if (matcher === "toHaveLength" && typeof value === "string") return `${value.length} characters`;
  return valueWords(value, what);
}
