/** No document of a state is nested like this. */
const DEEPEST = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Parse JSON that a stranger wrote. JSON.parse takes seconds for megabytes of brackets, and
 * what it makes of them breaks whoever walks it: they are counted first.
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
    // [ and {, ] and }: they differ in one bit.
    else if ((code | 0x20) === 0x7b) depth += 1;
    else if ((code | 0x20) === 0x7d) depth -= 1;
    if (depth > DEEPEST) throw new Error(`is nested deeper than ${DEEPEST} levels`);
  }
  return JSON.parse(text);
}
