/**
 * JSON as pvr signs it: keys sorted by code point, no blanks, numbers that are no integers in
 * scientific notation (`1.5E0`). Both sides of a signature have to write the same bytes.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "number") return canonicalNumber(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => Buffer.compare(bytes(a), bytes(b)));
  const members = entries.map(([key, one]) => `${JSON.stringify(key)}:${canonicalJson(one)}`);
  return `{${members.join(",")}}`;
}

/** The order of UTF-8 is that of code points; the order of JavaScript's strings is not. */
const bytes = (text: string): Buffer => Buffer.from(text, "utf8");

function canonicalNumber(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  const whole = mantissa.includes(".") ? mantissa : `${mantissa}.0`;
  return `${whole}E${exponent.replace("+", "")}`;
}
