/** Deepest nesting that is accepted; documents of a state are far flatter. */
const DEEPEST = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Parse JSON from an untrusted source. JSON.parse takes seconds for megabytes of brackets, and code
 * that walks the result recursively overflows its stack. So the depth is counted first.
 * @throws Error when it is no JSON or nested deeper than 64 levels
 */
export function parseUntrusted(text: string): unknown {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (quoted) {
      if (code === BACKSLASH) index += 1;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    // One bit tells [ from {, and ] from }; setting it tests both at once.
    else if ((code | 0x20) === 0x7b) depth += 1;
    else if ((code | 0x20) === 0x7d) depth -= 1;
    if (depth > DEEPEST) throw new Error(`is nested deeper than ${DEEPEST} levels`);
  }
  return JSON.parse(text);
}
