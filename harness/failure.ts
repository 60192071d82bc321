import { ownRoots, shownPath } from "./shown-path.ts";
import { inspect, types } from "node:util";
import { ERROR_CODES } from "../reports/error-codes.ts";
import type { ErrorCode } from "../reports/error-codes.ts";
import type { PvhError } from "./errors.ts";
import { machineError } from "./machine-error.ts";
import type { Failure } from "../reports/events.ts";
import { readDetails } from "./read-details.ts";
import { propertyOf, readThrown, textOf } from "./thrown.ts";
import type { Thrown } from "./thrown.ts";

/**
 * Message of an error, and whose fault it is. A PvhError states the fault; a failed assertion
 * blames the product; any other error blames the scenario's code, unless code of pvh threw it.
 *
 * This never throws, even when the thrown value itself throws while it is read.
 */
export function toFailure(thrown: unknown): Failure {
  const error = refusedByMachine(thrown) ?? thrown;
  const read = readThrown(error);
  const stack = stackOf(read);
  const code = textOf(error, "code");
  if (read.name === "PvhError" && isErrorCode(code)) {
    const evidence = propertyOf(error, "evidence");
    const hint = textOf(error, "hint");
    return {
      class: ERROR_CODES[code].class,
      code,
      message: read.message,
      ...(hint !== undefined && { hint }),
      ...(Array.isArray(evidence) &&
        evidence.length > 0 && { evidence: evidence.filter((path) => typeof path === "string") }),
      ...stack,
      ...readDetails(error, stack.stack),
    };
  }
  if (read.name === "AssertionError") {
    const details = readDetails(error, stack.stack);
    const said = read.message.replace(EQUALITY, "");
    const message = details.fact === undefined ? said + comparisonOf(error) : said;
    return { class: "product", code: "PVH_ASSERT", message, ...stack, ...details };
  }
  const said = read.message.replace(UNAWAITED, "");
  const message = read.name === undefined ? said : `${read.name}: ${said}`;
  return isOurs(stack.stack)
    ? { class: "harness", code: "PVH_INTERNAL", message, ...stack }
    : {
        class: "scenario",
        code: "PVH_SCENARIO",
        message,
        ...stack,
        ...readDetails(error, stack.stack),
      };
}

/** Tail of vitest's messages about how it compares. */
const EQUALITY = / \/\/ Object\.is equality$/;

/** Rest of vitest's message about an assertion that was not awaited; it repeats the assertion. */
const UNAWAITED = /(?<=was not awaited)\. This assertion is asynchronous and must be awaited[^]*$/;

/** A failure that nothing threw. */
export function failureOf(code: ErrorCode, message: string, hint?: string): Failure {
  return {
    class: ERROR_CODES[code].class,
    code,
    message,
    ...(hint !== undefined && { hint }),
  };
}

function refusedByMachine(thrown: unknown): PvhError | undefined {
  try {
    return machineError(thrown);
  } catch {
    return undefined;
  }
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERROR_CODES, code);
}

/** Messages shorten objects; here they are whole. Primitives are in the message already. */
function comparisonOf(error: unknown): string {
  const sides = ["actual", "expected"].map((key) => propertyOf(error, key));
  if (!sides.some((side) => typeof side === "object" && side !== null)) return "";
  try {
    const [actual, expected] = sides.map((side) =>
      inspect(side, {
        depth: 6,
        breakLength: 100,
        maxStringLength: 2_000,
        maxArrayLength: 50,
        customInspect: !types.isProxy(side),
      }),
    );
    return `\nactual:   ${actual ?? ""}\nexpected: ${expected ?? ""}`.slice(0, 16_384);
  } catch {
    return "";
  }
}

// Frames left out: those that call the check are the same in every stack.
const UNTOLD =
  /node_modules|node:internal|harness\/facts\/expect\.[jt]s|harness\/run\/(check-run|scenario|scenario-session|stray-errors)\.[jt]s|<anonymous>\)$/;

/** The frames only, of the project's own files: the message is told apart from them. */
function stackOf({ message, stack }: Thrown): { stack?: string } {
  if (stack === undefined) return {};
  const head = stack.indexOf(message);
  const frames = stack
    .slice(head < 0 ? 0 : head + message.length)
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .map(asPath)
    .filter((line) => !UNTOLD.test(line));
  return frames.length === 0 ? {} : { stack: frames.slice(0, 12).join("\n") };
}

/** Modules are loaded by their URLs, with a query of the test framework's: people open paths. */
function asPath(frame: string): string {
  return frame.replace(/file:\/\/(\/[^\s()?#]+)(?:[?#][^\s():]*)?/, (_url, path: string) => {
    const name = decoded(path);
    return ownRoots().some((root) => name.startsWith(`${root}/`)) ? shownPath(name) : name;
  });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** True when the first frame is in a file of pvh, and not in a scenario or a test. */
function isOurs(stack: string | undefined): boolean {
  const [first = ""] = stack?.split("\n") ?? [];
  return (
    /(?:^|[/ (])(?:harness|reports|broker)\/[\w./-]+\.[jt]s\b/.test(first) &&
    !/\.scenario\.[cm]?[jt]s|\.test\.ts|\/testdata\//.test(first)
  );
}
