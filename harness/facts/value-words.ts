import { STATUS_CODES } from "node:http";
import { constants } from "node:os";
import { inspect, types } from "node:util";
import { withWords } from "./matcher-words.ts";

/** Characters of a value in a sentence. */
export const SHORT = 200;

/**
 * A value in words. The name of the value says what it counts: "uid of …" names the user beside the
 * number, "exit code of …" the signal, "status of …" the HTTP status.
 */
export function valueWords(value: unknown, what: string): string {
  if (value === undefined) return "nothing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return shortened(value);
  const unit = UNITS.find(({ names }) => names.test(what));
  return unit === undefined ? String(value) : unit.words(value);
}

/** A value on one line, in at most 200 characters; its middle goes. */
export function shortened(value: unknown, most = SHORT): string {
  if (types.isRegExp(value)) return String(value);
  const text = wholeWords(value);
  if (text.length <= most) return text;
  const half = Math.floor(most / 2) - 8;
  return `${text.slice(0, half)} …(${text.length - 2 * half})… ${text.slice(-half)}`;
}

/** A value on one line, whole. */
export function wholeWords(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : shown(value);
}

function shown(value: unknown): string {
  try {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    return inspect(withWords(value), {
      depth: 4,
      breakLength: Infinity,
      maxStringLength: 2_000,
      maxArrayLength: 50,
      customInspect: !types.isProxy(value),
    }).replace(/\s*\n\s*/g, " ");
  } catch {
    return `a value of type ${typeof value} that cannot be described`;
  }
}

interface Unit {
  /** Names of values that are counted in it. */
  readonly names: RegExp;
  readonly words: (value: number) => string;
}

const named =
  (name: (value: number) => string | undefined) =>
  (value: number): string => {
    const said = name(value);
    return said === undefined ? String(value) : `${value} (${said})`;
  };

const USERS: Readonly<Record<number, string>> = { 0: "root", 65534: "nobody" };
const SHELL = 128;

const UNITS: readonly Unit[] = [
  { names: /\b[ug]id\b/i, words: named((value) => USERS[value]) },
  { names: /\b(?:milliseconds|ms)\b/i, words: (value) => `${Math.round(value * 10) / 10} ms` },
  { names: /\bbytes\b/i, words: (value) => `${value} bytes` },
  { names: /\berrno\b/i, words: named(errnoName) },
  { names: /\bexit (?:code|status)\b/i, words: named(exitWords) },
  {
    names: /\bstatus\b/i,
    words: named((value) => STATUS_CODES[value]),
  },
];

function errnoName(value: number): string | undefined {
  return Object.entries(constants.errno).find(([, number]) => number === Math.abs(value))?.[0];
}

function exitWords(value: number): string | undefined {
  if (value === 0) return "success";
  const signal = Object.entries(constants.signals).find(([, number]) => number === value - SHELL);
  return signal?.[0];
}
