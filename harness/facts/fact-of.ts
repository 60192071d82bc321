import type { Fact } from "../../reports/failure-details.ts";
import { propertyOf } from "../thrown.ts";
import { promiseWords } from "./promise-words.ts";
import type { Assertion } from "./promise-words.ts";
import { structureDiff } from "./structure-diff.ts";
import { shortened, valueWords } from "./value-words.ts";

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
    what,
    actual: actualWords(matcher, compared, what),
    promised: promiseWords(assertion),
    ...(diff !== undefined && { diff }),
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

function actualWords(matcher: string, value: unknown, what: string): string {
  const length = matcher === "toHaveLength" ? propertyOf(value, "length") : undefined;
  if (typeof length === "number") return `${length}: ${shortened(value)}`;
  if (matcher === "toHaveLength" && typeof value === "string") return `${value.length} characters`;
  return valueWords(value, what);
}
