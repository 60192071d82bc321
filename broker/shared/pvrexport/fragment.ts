import { parseUntrusted, JsonRefused } from "../formats/json-depth.ts";
import { StateError, checkEntries } from "../formats/state.ts";
import { ExportError } from "./export-error.ts";

/** A part of a state: keys in the order of the text, each fit to become a file. */
export type Fragment = Readonly<Record<string, unknown>>;

/**
 * @param member undefined where the export is the JSON itself
 * @throws ExportError
 */
export function parseFragment(bytes: Uint8Array, member?: string): Fragment {
  const value = parse(bytes, member);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ExportError("is not an object", member);
  }
  const fragment = value as Fragment;
  try {
    checkEntries(Object.entries(fragment).filter(([key]) => key !== "#spec"));
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    throw new ExportError(`has a key that no state may have: ${error.message}`, member);
  }
  return fragment;
}

function parse(bytes: Uint8Array, member: string | undefined): unknown {
  try {
    // Takes a byte order mark away, and refuses what is not UTF-8 instead of changing it.
    return parseUntrusted(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof JsonRefused) throw new ExportError(`is refused: ${error.message}`, member);
    // V8 quotes the text around the fault, which may hold anything; the position is enough.
    const position = /at position \d+/.exec((error as Error).message)?.[0] ?? "";
    throw new ExportError(`is not JSON ${position}`.trim(), member);
  }
}
