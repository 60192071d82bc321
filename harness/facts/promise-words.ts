import { shortened, valueWords } from "./value-words.ts";

/** An assertion as it was written: `expect(value, what).not.toBe(…)`. */
export interface Assertion {
  readonly what: string;
  readonly matcher: string;
  readonly args: readonly unknown[];
  readonly isNegated: boolean;
}

/** The promised value of an assertion, in words. */
export function promiseWords({ what, matcher, args, isNegated }: Assertion): string {
  const [first] = args;
  const not = isNegated ? "not " : "";
  const phrase = PHRASES[matcher];
  if (phrase !== undefined) return phrase(first, what, isNegated);
  const words = matcher.replace(/^to/, "").replaceAll(/([A-Z])/g, " $1");
  const told = args.map((one) => shortened(one)).join(", ");
  return `${not}to${words.toLowerCase()} ${told}`.trim();
}

type Phrase = (expected: unknown, what: string, isNegated: boolean) => string;

const same: Phrase = (expected, what, isNegated) =>
  `${isNegated ? "anything but " : ""}${valueWords(expected, what)}`;
const text =
  (verb: string, negated: string): Phrase =>
  (expected, _what, isNegated) =>
    `${isNegated ? negated : verb} ${shortened(expected)}`;
const number =
  (words: string, otherwise: string): Phrase =>
  (expected, what, isNegated) =>
    `${isNegated ? otherwise : words} ${valueWords(expected, what)}`;

const holding = text("one that holds", "none that holds");

const PHRASES: Readonly<Record<string, Phrase>> = {
  toBe: same,
  toEqual: same,
  toStrictEqual: same,
  toMatch: text("text that matches", "no text that matches"),
  toContain: holding,
  toContainEqual: holding,
  toMatchObject: text("one with", "none with"),
  toHaveProperty: text("one with the property", "none with the property"),
  toBeInstanceOf: text("an instance of", "no instance of"),
  toHaveLength: (expected, _what, isNegated) =>
    `${isNegated ? "not " : ""}${shortened(expected)} of them`,
  toBeLessThan: number("less than", "at least"),
  toBeLessThanOrEqual: number("at most", "more than"),
  toBeGreaterThan: number("more than", "at most"),
  toBeGreaterThanOrEqual: number("at least", "less than"),
  toBeUndefined: (_expected, _what, isNegated) => (isNegated ? "something" : "nothing"),
  toBeDefined: (_expected, _what, isNegated) => (isNegated ? "nothing" : "something"),
  toBeNull: (_expected, _what, isNegated) => (isNegated ? "anything but null" : "null"),
  toBeTruthy: (_expected, _what, isNegated) => (isNegated ? "nothing" : "something"),
  toBeFalsy: (_expected, _what, isNegated) => (isNegated ? "something" : "nothing"),
};
