import type { Fact, FailureDetails, Quote, Wait } from "../reports/failure-details.ts";
import { codeExcerpt } from "./code-excerpt.ts";
import { propertyOf, textOf } from "./thrown.ts";

/**
 * The parts of an error that explain it, as pvh's own code has put them there, and the code around the
 * frame. Anything can be thrown: a part of another form is left out.
 */
export function readDetails(error: unknown, stack: string | undefined): FailureDetails {
  const fact = factIn(propertyOf(error, "pvhFact"));
  const wait = waitIn(propertyOf(error, "wait"));
  const quotes = listIn(propertyOf(error, "quotes")).flatMap((one) => quoteIn(one) ?? []);
  const excerpt = codeExcerpt(stack);
  return {
    ...(fact !== undefined && { fact }),
    ...(wait !== undefined && { wait }),
    ...(quotes.length > 0 && { quotes }),
    ...(excerpt !== undefined && { excerpt }),
  };
}

function factIn(value: unknown): Fact | undefined {
  const [what, actual, promised] = ["what", "actual", "promised"].map((key) => textOf(value, key));
  if (what === undefined || actual === undefined || promised === undefined) return undefined;
  const diff = listIn(propertyOf(value, "diff")).filter((line) => typeof line === "string");
  return { what, actual, promised, ...(diff.length > 0 && { diff }) };
}

function waitIn(value: unknown): Wait | undefined {
  const missing = textOf(value, "missing");
  const ms = propertyOf(value, "ms");
  if (missing === undefined || typeof ms !== "number") return undefined;
  const seen = quoteIn(propertyOf(value, "seen"));
  return { missing, ms, ...(seen !== undefined && { seen }) };
}

function quoteIn(value: unknown): Quote | undefined {
  const from = textOf(value, "from");
  const lines = listIn(propertyOf(value, "lines")).filter((line) => typeof line === "string");
  return from === undefined || lines.length === 0 ? undefined : { from, lines };
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
