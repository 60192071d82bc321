/**
 * Escape sequences as ECMA-48 has them: control sequences (§5.4), control strings with their end (§5.6),
 * and the two-character ones. A string that does not end stays as text: it must hide nothing. Each
 * alternative stops at the next introducer, so that no text takes more than one pass.
 */
const SEQUENCES = new RegExp(
  [
    String.raw`(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]`,
    String.raw`(?:\u001b[PX\]^_]|[\u0090\u0098\u009d-\u009f])[^\n\u0007\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c)`,
    String.raw`\u001b[ -/]+[0-~]`,
  ].join("|"),
  "g",
);

// C0 except TAB and LF, DEL, C1; the bidirectional controls, which act on what a reader sees.
const ACTIVE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text that does nothing but appear, wherever it is shown. Messages carry bytes of containers,
 * which are hostile: escape sequences, C1 controls and OSC strings go, a lone surrogate becomes U+FFFD.
 */
export function printable(text: string): string {
  return shown(text);
}

/** A replacer of JSON.stringify: each text of a document does nothing but appear. */
export function printableTexts(_key: string, value: unknown): unknown {
  return typeof value === "string" ? printable(value) : value;
}

function stripped(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(SEQUENCES, "")
    .replace(ACTIVE, "")
    .replace(/[\u2028\u2029]/g, " ")
    .toWellFormed();
}

let shown = stripped;

/** Render with all bytes as they came, those of containers included. */
export function renderedRaw<T>(render: () => T): T {
  shown = (text) => text;
  try {
    return render();
  } finally {
    shown = stripped;
  }
}

/** The same on one line, at most `limit` characters long. */
export function printableLine(text: string, limit = 500): string {
  // A line of ten million characters costs no more than what is shown of it.
  const line = printable(text.slice(0, limit * 20))
    .replace(/\s+/g, " ")
    .trim();
  const isWhole = line.length <= limit && text.length <= limit * 20;
  if (isWhole) return line;
  // A cut between the two halves of a character leaves none of it.
  return `${line.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
