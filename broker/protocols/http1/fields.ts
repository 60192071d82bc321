import { HttpSyntaxError } from "./syntax-error.ts";

/** A header or trailer field; the value is trimmed, one character per byte (latin1). */
export interface Field {
  readonly name: string;
  readonly value: string;
}

/** RFC 9110 §5.6.2. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** RFC 9110 §5.5: HTAB, printable ASCII and obs-text; no CR, LF, NUL or other control. */

const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * One field line without its terminator. Space before the colon and folded lines are refused
 * (RFC 9112 §5.1, §5.2): recipients disagree about their meaning.
 * @throws HttpSyntaxError 400
 */
export function parseField(line: string): Field {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  if (!TOKEN.test(name)) throw new HttpSyntaxError(400, "a header field has no valid name");
  const value = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, "");
  if (!VALUE.test(value)) {
    throw new HttpSyntaxError(400, "a header field has a control character in its value");
  }
  return { name, value };
}

/** Values of every field of this name, in order. @param name in lower case */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter((field) => field.name.toLowerCase() === name).map((field) => field.value);
}

/** The members of a comma-separated list field, in lower case, empty members left out. */
export function listOf(fields: readonly Field[], name: string): string[] {
  return valuesOf(fields, name)
    .flatMap((value) => value.split(","))
    .map((member) => member.replace(/^[\t ]+|[\t ]+$/g, "").toLowerCase())
    .filter((member) => member !== "");
}
