import { inspect, types } from "node:util";

/** Parts of a thrown value that could be read. */
export interface Thrown {
  /** `TypeError`, `AssertionError`, …; undefined for what is no error. */
  readonly name: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

const TEXT_LIMIT = 16_384;
const KEYS_LIMIT = 100;
const INNER_LIMIT = 5;

/**
 * Read anything that can be thrown: nothing is called on it but getters, nothing is thrown, and
 * no text gets long. Errors that crossed a process as plain objects are read as errors.
 */
export function readThrown(thrown: unknown): Thrown {
  if (typeof thrown !== "object" || thrown === null || types.isProxy(thrown)) {
    return { name: undefined, message: sayThrown(thrown), stack: undefined };
  }
  const message = textOf(thrown, "message");
  if (message === undefined) {
    // An error whose message cannot be read is still an error.
    const name = isError(thrown) ? (textOf(thrown, "name") ?? "Error") : undefined;
    const text = name === undefined ? sayThrown(thrown) : "an error whose message cannot be read";
    return { name, message: text, stack: textOf(thrown, "stack") };
  }
  // The stack begins with the message; one without end takes seconds to make.
  const isLong = message.length > TEXT_LIMIT;
  return {
    name: textOf(thrown, "name") ?? (isError(thrown) ? "Error" : undefined),
    message: cut(message + innerMessages(thrown)),
    stack: isLong ? undefined : textOf(thrown, "stack"),
  };
}

/** Thrown value in words: the message of an error, anything else as `inspect` shows it. */
export function messageOfThrown(thrown: unknown): string {
  return readThrown(thrown).message;
}

/** @returns undefined where the property is no text or cannot be read */
export function textOf(thrown: unknown, key: string): string | undefined {
  const value = propertyOf(thrown, key);
  return typeof value === "string" ? cut(value) : undefined;
}

/** @returns undefined where the property is missing or cannot be read */
export function propertyOf(thrown: unknown, key: string): unknown {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  try {
    return Reflect.get(thrown, key);
  } catch {
    return undefined;
  }
}

/** A prototype may be a Proxy, which defends itself. */
function isError(thrown: object): boolean {
  try {
    return thrown instanceof Error;
  } catch {
    return false;
  }
}

/** The messages of the errors in an AggregateError, one level deep. */
function innerMessages(thrown: object): string {
  const errors = propertyOf(thrown, "errors");
  if (!Array.isArray(errors) || types.isProxy(errors)) return "";
  const told = Array.from({ length: Math.min(errors.length, INNER_LIMIT) }, (_, index) => {
    const inner = propertyOf(errors, String(index));
    return `\n- ${textOf(inner, "message") ?? describe(inner)}`;
  });
  const rest = errors.length - told.length;
  return told.join("") + (rest > 0 ? `\n- … ${rest} more` : "");
}

/** "undefined" alone would not tell that it was thrown. */
function sayThrown(thrown: unknown): string {
  return typeof thrown === "string" ? cut(thrown) : `threw ${describe(thrown)}`;
}

function describe(value: unknown): string {
  if (typeof value === "string") return cut(value);
  try {
    if (types.isProxy(value)) return "a Proxy";
    if (typeof value === "object" && value !== null) {
      const keys = Object.keys(value).length;
      if (keys > KEYS_LIMIT) return `an object of ${keys} properties`;
    }
    return cut(
      inspect(value, {
        customInspect: false,
        depth: 2,
        maxArrayLength: 20,
        maxStringLength: 2_000,
        breakLength: 100,
      }),
    );
  } catch {
    return `a value of type ${typeof value} that cannot be described`;
  }
}

function cut(text: string): string {
  if (text.length <= TEXT_LIMIT) return text;
  return `${text.slice(0, TEXT_LIMIT)}… (${text.length - TEXT_LIMIT} more characters)`;
}
