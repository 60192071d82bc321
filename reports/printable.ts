import { stripVTControlCharacters } from "node:util";

// C0 except TAB and LF, DEL, C1; the bidirectional controls, which act on what a reader sees.
const ACTIVE = new RegExp(
  String.raw`[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]`,
  "g",
);

/**
 * Text that does nothing but appear, wherever it is shown. Messages carry bytes of containers,
 * which are hostile: escape sequences, C1 controls and OSC strings go.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text.replaceAll("\r\n", "\n")).replace(ACTIVE, "");
}

/** The same on one line, at most `limit` characters long. */
export function printableLine(text: string, limit = 500): string {
  const line = printable(text).replace(/\s+/g, " ").trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
}
