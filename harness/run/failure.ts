import { inspect } from "node:util";
import { PvhError } from "../errors.ts";
import { machineError } from "../machine-error.ts";
import type { Failure } from "./events.ts";

/**
 * What an error says, and whose fault it is. A PvhError knows; a failed assertion speaks of the
 * product; anything else that was thrown is a mistake of the harness or of the scenario's code.
 */
export function toFailure(thrown: unknown): Failure {
  const error = machineError(thrown) ?? thrown;
  if (error instanceof PvhError) {
    return {
      class: error.class,
      code: error.code,
      message: error.message,
      ...(error.hint !== undefined && { hint: error.hint }),
      ...(error.evidence.length > 0 && { evidence: error.evidence }),
      ...stackOf(error),
    };
  }
  if (error instanceof Error && error.name === "AssertionError") {
    const message = error.message + comparisonOf(error);
    return { class: "product", code: "PVH_ASSERT", message, ...stackOf(error) };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { class: "harness", code: "PVH_INTERNAL", message, ...stackOf(error) };
}

/** Messages shorten objects; here they are whole. Primitives are in the message already. */
function comparisonOf(error: Error): string {
  if (!("actual" in error && "expected" in error)) return "";
  const sides = [error.actual, error.expected];
  if (!sides.some((side) => typeof side === "object" && side !== null)) return "";
  const [actual, expected] = sides.map((side) =>
    inspect(side, { depth: 6, breakLength: 100, maxStringLength: 2_000, maxArrayLength: 50 }),
  );
  return `\nactual:   ${actual ?? ""}\nexpected: ${expected ?? ""}`;
}

// What calls the check is the same in every stack.
const UNTOLD =
  /node_modules|node:internal|harness\/run\/(check-run|scenario|scenario-session)\.ts|<anonymous>\)$/;

/** The frames only, of the project's own files: the message is told apart from them. */
function stackOf(error: unknown): { stack?: string } {
  if (!(error instanceof Error) || error.stack === undefined) return {};
  const head = error.stack.indexOf(error.message);
  const frames = error.stack
    .slice(head < 0 ? 0 : head + error.message.length)
    .split("\n")
    .filter((line) => /^\s+at /.test(line) && !UNTOLD.test(line));
  return frames.length === 0 ? {} : { stack: frames.slice(0, 12).join("\n") };
}
