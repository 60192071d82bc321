/** Lines that one JSON value may have. */
const LONGEST = 5_000;

/** Values that differ from run to run, and the words that stand for them. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{64}\b/g, "<sha256>"],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?\b/g, "<time>"],
  [/\b1[6-9]\d{8}\b/g, "<time>"],
];
/** Keys whose values differ from run to run. */
const VOLATILE_KEYS = new Set([
  "pid",
  "date",
  "time",
  "size",
  "reclaimed",
  "interfaces",
  "sysinfo",
]);

/**
 * Output without what says nothing: JSON with sorted keys and of one layout, no blank lines, and
 * words in place of times, pids, sizes and digests.
 */
export function normalised(text: string): string {
  const lines = text.split("\n");
  const out: string[] = [];
  for (let index = 0; index < lines.length;) {
    const line = lines[index] ?? "";
    const value = /^\s*[[{]/.test(line) ? jsonAt(lines, index) : undefined;
    if (value === undefined) {
      if (line.trim() !== "") out.push(plain(line.trimEnd()));
      index += 1;
    } else {
      out.push(JSON.stringify(sorted(value.json), null, 2));
      index = value.next;
    }
  }
  return out.join("\n");
}

/** The JSON value that begins at a line and ends with a later one. */
function jsonAt(
  lines: readonly string[],
  start: number,
): { readonly json: unknown; readonly next: number } | undefined {
  const [open = ""] = /[[{]/.exec(lines[start] ?? "") ?? [];
  const close = open === "{" ? "}" : "]";
  let text = "";
  for (let index = start; index < Math.min(lines.length, start + LONGEST); index++) {
    text += `${lines[index] ?? ""}\n`;
    // Only a line with the closing bracket can end it.
    if (!(lines[index] ?? "").trimEnd().endsWith(close)) continue;
    try {
      return { json: JSON.parse(text), next: index + 1 };
    } catch {
      // It goes on, or it is none.
    }
  }
  return undefined;
}

function sorted(value: unknown, key = ""): unknown {
  if (VOLATILE_KEYS.has(key)) return `<${key}>`;
  if (typeof value === "string") return plain(value);
  if (Array.isArray(value)) return value.map((one) => sorted(one));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, one]) => [name, sorted(one, name)]));
}

function plain(text: string): string {
  return VOLATILE.reduce((result, [pattern, word]) => result.replaceAll(pattern, word), text);
}
