/** Keys and values of a match rule, in the rule's order. */
export type MatchRule = ReadonlyMap<string, string>;

/** DBUS_MAXIMUM_MATCH_RULE_LENGTH of libdbus. */
const MAX_RULE_LENGTH = 1024;
const BLANK = " \t\n\r";

/**
 * Read a match rule as dbus-daemon does (bus/signals.c). Blanks around keys are passed over. An
 * apostrophe begins or ends a quoted part anywhere in a value. Outside of quotes a backslash quotes
 * an apostrophe, and a comma ends the value.
 *
 * Outside of quotes a backslash before a comma or another backslash is refused: dbus-daemon takes
 * both characters as text, the specification takes the backslash alone. A bus that reads it the
 * other way would see keys that are not seen here.
 *
 * @returns undefined when dbus-daemon would refuse it (too long, no `=`, no key, a key twice, an
 *          open quotation), or when it can be read in two ways
 */
export function parseMatchRule(text: string): MatchRule | undefined {
  if (Buffer.byteLength(text) > MAX_RULE_LENGTH) return undefined;
  const rule = new Map<string, string>();
  let at = 0;
  for (;;) {
    while (at < text.length && BLANK.includes(text.charAt(at))) at += 1;
    if (at === text.length) return rule;
    const equals = text.indexOf("=", at);
    if (equals === -1) return undefined;
    const key = text.slice(at, equals).trimEnd();
    const value = readValue(text, equals + 1);
    if (!/^[A-Za-z0-9_]+$/.test(key) || value === undefined || rule.has(key)) return undefined;
    rule.set(key, value.value);
    at = value.end;
  }
}

/** True when the rule asks for messages to others; any value but `false` counts as asking. */
export function eavesdrops(rule: MatchRule): boolean {
  return (rule.get("eavesdrop") ?? "false") !== "false";
}

function readValue(text: string, from: number): { value: string; end: number } | undefined {
  let value = "";
  let quoted = false;
  let at = from;
  for (; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "'") {
      quoted = !quoted;
    } else if (quoted) {
      value += character;
    } else if (character === ",") {
      return { value, end: at + 1 };
    } else if (character === "\\" && text.charAt(at + 1) === "'") {
      value += "'";
      at += 1;
    } else if (character === "\\" && [",", "\\"].includes(text.charAt(at + 1))) {
      return undefined;
    } else {
      value += character;
    }
  }
  return quoted ? undefined : { value, end: at };
}
