import { scanJson } from "./json-scan.ts";
import { printable } from "./printable.ts";

/** JSON that is well-formed and refused all the same; the message names the place. */
export class JsonRefused extends Error {
  override readonly name = "JsonRefused";
}

/**
 * Parse JSON that a stranger wrote. A key that an object holds twice is refused: parsers differ
 * in which of them counts (RFC 8259 §4), and JSON.parse takes the last without a word. Depth and
 * number of values are counted before JSON.parse sees them: it takes seconds for megabytes of
 * brackets, and what it makes of them breaks whatever walks it.
 * @throws JsonRefused for a key that comes twice, more than 64 levels or 1,000,000 values
 * @throws SyntaxError when it is no JSON
 */
export function parseUntrusted(text: string): unknown {
  const { refusal, repeated } = scanJson(text);
  if (refusal !== undefined) throw new JsonRefused(refusal);
  const value = JSON.parse(text) as unknown;
  if (repeated === undefined) return value;
  const { path, position } = repeated;
  throw new JsonRefused(`${path.map(shown).join(".")}: comes twice, at position ${position}`);
}

const LONGEST_SHOWN = 200;

/** A key may be long, and hold what would break a line. */
function shown(key: string): string {
  const escaped = printable(key.slice(0, LONGEST_SHOWN));
  return key.length > LONGEST_SHOWN ? `${escaped}…` : escaped;
}
