import { createTwoFilesPatch } from "diff";
import { normalised } from "./normalise.ts";

export interface Comparison {
  readonly isSame: boolean;
  /** Unified diff of what was compared; empty where it is the same. */
  readonly diff: string;
}

/** Lines that the first generation leaves out: traces of the shell, and the test driver's own. */
const TRACE = /^(?:\+|\$|\[+pvtest\] \d+ DEBUG -- \[test-script\]:)/;
/** Lines beyond which a diff would take minutes. */
const MOST_LINES = 20_000;

/**
 * Compare a test's output with its golden, both through the filters of its generation.
 * @param normalise also through what makes key order, blank lines and volatile values alike
 */
export function compareGolden(
  golden: string,
  actual: string,
  { generation, normalise = false }: { readonly generation: 1 | 2; readonly normalise?: boolean },
): Comparison {
  const [wanted, found] = [golden, actual].map((text) => {
    const filtered = filterOutput(text, generation);
    return normalise ? normalised(filtered) : filtered;
  });
  if (wanted === found) return { isSame: true, diff: "" };
  const patch = createTwoFilesPatch(
    "golden",
    "output",
    cut(wanted ?? ""),
    cut(found ?? ""),
    "",
    "",
    {
      context: 3,
      timeout: 5_000,
    },
  );
  return { isSame: false, diff: patch ?? "the two differ in too many places for a diff\n" };
}

/** The lines that count. A terminal ends lines with CR LF. */
export function filterOutput(text: string, generation: 1 | 2): string {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  return (generation === 1 ? lines.filter((line) => !TRACE.test(line)) : lines).join("\n");
}

function cut(text: string): string {
  const lines = text.split("\n");
  return lines.length <= MOST_LINES
    ? text
    : [...lines.slice(0, MOST_LINES), `(${lines.length - MOST_LINES} more lines)`].join("\n");
}
