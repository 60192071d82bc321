import { expect as vitestExpect } from "vitest";
import type { Assertion as VitestAssertion } from "vitest";
import { propertyOf } from "../thrown.ts";
import { FACT, factOf, factWords } from "./fact-of.ts";
import type { Assertion } from "./promise-words.ts";

/**
 * vitest's `expect` for checks: the second argument names the value, in the words of its domain, and a
 * failure reads as a fact.
 *
 * ```ts
 * expect(uid, "uid of the connection at the provider's bus").toBe(65534);
 * // uid of the connection at the provider's bus: 0 (root), promised 65534 (nobody)
 * ```
 * A value of which the name holds "uid", "exit code", "status", "errno", "ms" or "bytes" is told in
 * that unit.
 */
function expectFact<T>(value: T, what: string): VitestAssertion<void, T> {
  return watched(vitestExpect(value, what), { what, isNegated: false, way: undefined }, value);
}

export const expect = Object.assign(expectFact, {
  any: vitestExpect.any,
  anything: vitestExpect.anything,
  arrayContaining: vitestExpect.arrayContaining,
  objectContaining: vitestExpect.objectContaining,
  stringContaining: vitestExpect.stringContaining,
  stringMatching: vitestExpect.stringMatching,
});

interface Told {
  readonly what: string;
  readonly isNegated: boolean;
  /** Set where the value is a promise. */
  readonly way: "resolves" | "rejects" | undefined;
}

/** The assertion, whose matchers throw an error that knows the fact. */
function watched<A extends object>(assertion: A, told: Told, value: unknown): A {
  return new Proxy(assertion, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (key === "not") return watched(asObject(member), { ...told, isNegated: true }, value);
      if (key === "resolves" || key === "rejects") {
        return watched(asObject(member), { ...told, way: key }, value);
      }
      if (typeof member !== "function" || typeof key === "symbol") return member;
      return (...args: unknown[]): unknown => {
        const asserted = { ...told, matcher: key, args };
        try {
          const result: unknown = Reflect.apply(member, target, args);
          return isThenable(result) ? lazily(result, asserted) : result;
        } catch (error) {
          throw withFact(error, asserted, value);
        }
      };
    },
  });
}

/** Asks nothing of the promise before somebody awaits it: vitest reports those that nobody does. */
function lazily(result: PromiseLike<unknown>, asserted: Assertion & Told): PromiseLike<unknown> {
  return {
    then: (onDone, onFailed) =>
      result
        .then(undefined, (error: unknown) => {
          throw withFact(error, asserted, propertyOf(error, "actual"));
        })
        .then(onDone, onFailed),
  };
}

function withFact(error: unknown, asserted: Assertion & Told, value: unknown): unknown {
  if (propertyOf(error, "name") !== "AssertionError") return error;
  const fact = factOf(asserted, value, error);
  const { way } = asserted;
  const wrongWay = way !== undefined && WRONG_WAY.test(String(propertyOf(error, "message")));
  const told = wrongWay
    ? {
        ...fact,
        actual: way === "rejects" ? `success, ${fact.actual}` : `a failure, ${fact.actual}`,
      }
    : fact;
  return Object.assign(error as Error, { message: factWords(told), [FACT]: told });
}

const WRONG_WAY = /^(?:.*: )?promise (?:resolved|rejected)/;

function asObject(member: unknown): object {
  return member as object;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof propertyOf(value, "then") === "function";
}
