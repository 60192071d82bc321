import { HttpSyntaxError } from "./syntax-error.ts";

/** A header or trailer field; the value is trimmed, one character per byte (latin1). */
export interface Field {
  readonly name: string;
  /** The name in lower case: names are compared without case (RFC 9110 §5.1). */
  readonly lower: string;
  readonly value: string;
}

/** RFC 9110 §5.6.2. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** RFC 9110 §5.5: HTAB, printable ASCII and obs-text; no CR, LF, NUL or other control. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function field(name: string, value: string): Field {
  return { name, lower: name.toLowerCase(), value };
}

/**
 * One field line without its terminator. Space before the colon and folded lines are refused
 * (RFC 9112 §5.1, §5.2): recipients disagree about their meaning.
 * @throws HttpSyntaxError 400
 */
export function parseField(line: string): Field {
  const colon = line.indexOf(":");
  return toField(line.slice(0, Math.max(colon, 0)), line, colon);
}

/**
 * One field line of a response: blanks before its colon are taken away, as RFC 9112 §5.1 wants it
 * of a proxy.
 * @throws HttpSyntaxError 400
 */
export function parseResponseField(line: string): Field {
  const colon = line.indexOf(":");
  let end = Math.max(colon, 0);
  while (end > 0 && isBlank(line.charCodeAt(end - 1))) end -= 1;
  return toField(line.slice(0, end), line, colon);
}

function toField(name: string, line: string, colon: number): Field {
  if (!TOKEN.test(name)) throw new HttpSyntaxError(400, "a header field has no valid name");
  const value = trimmed(line, colon + 1);
  if (!VALUE.test(value)) {
    throw new HttpSyntaxError(400, "a header field has a control character in its value");
  }
  return field(name, value);
}

/** Values of every field of this name, in order. @param name in lower case */
export function valuesOf(fields: readonly Field[], name: string): readonly string[] {
  let values: string[] | undefined;
  for (const { lower, value } of fields) if (lower === name) (values ??= []).push(value);
  return values ?? NO_VALUES;
}

/** The members of a comma-separated list field, in lower case, empty members left out. */
export function listOf(fields: readonly Field[], name: string): readonly string[] {
  const values = valuesOf(fields, name);
  if (values.length === 0) return NO_VALUES;
  return values
    .flatMap((value) => value.split(","))
    .map((member) => trimmed(member, 0).toLowerCase())
    .filter((member) => member !== "");
}

const NO_VALUES: readonly string[] = [];

/**
 * Text from an offset on, without the spaces and tabs around it. A regular expression would take
 * quadratic time for a long run of spaces.
 */
function trimmed(text: string, from: number): string {
  let start = from;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
