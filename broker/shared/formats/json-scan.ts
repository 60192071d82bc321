/** No document of a state is nested like this. */
const DEEPEST = 64;
/** A state of 2,000 containers has some 100,000. */
const MOST_VALUES = 1_000_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** A key that its object holds twice. */
export interface RepeatedKey {
  /** Keys and array indices from the root to the key, itself included. */
  readonly path: readonly string[];
  /** Offset of the second one's opening quote, in UTF-16 units as in V8's messages. */
  readonly position: number;
}

export interface JsonScan {
  /** A reason not to parse the text at all. */
  readonly refusal?: string;
  /** The first one; true only of a text that JSON.parse takes. */
  readonly repeated?: RepeatedKey;
}

/** An object or array that is open where the scan stands. */
interface Frame {
  /** Keys so far, unescaped; undefined for an array. */
  readonly keys: Set<string> | undefined;
  /** The key or index of the value at hand. */
  key: string;
  index: number;
  expectsKey: boolean;
}

/** One pass over the text, in time linear in its length; it need not be JSON. */
export function scanJson(text: string): JsonScan {
  const frames: Frame[] = [];
  let frame: Frame | undefined;
  let values = 0;
  let repeated: RepeatedKey | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (frame?.keys !== undefined && frame.expectsKey) {
        frame.key = unescaped(text.slice(at + 1, end));
        frame.expectsKey = false;
        if (frame.keys.has(frame.key)) repeated ??= { path: pathOf(frames), position: at };
        frame.keys.add(frame.key);
      }
      at = end;
    } else if (code === COMMA) {
      values += 1;
      if (frame === undefined) continue;
      frame.index += 1;
      frame.expectsKey = frame.keys !== undefined;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      const isObject = code === OPEN_BRACE;
      frame = { keys: isObject ? new Set() : undefined, key: "", index: 0, expectsKey: isObject };
      frames.push(frame);
      values += 1;
      if (frames.length > DEEPEST) return { refusal: `is nested deeper than ${DEEPEST} levels` };
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      frames.pop();
      frame = frames.at(-1);
    }
    if (values > MOST_VALUES) return { refusal: `holds more than ${MOST_VALUES} values` };
  }
  return repeated === undefined ? {} : { repeated };
}

/** @returns offset of the closing quote, or of the text's end */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at += 1;
  }
  return text.length;
}

/** `"\u0061"` and `"a"` are one key. */
function unescaped(raw: string): string {
  if (!raw.includes("\\")) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw; // JSON.parse will refuse the whole.
  }
}

function pathOf(frames: readonly Frame[]): string[] {
  return frames.map(({ keys, key, index }) => (keys === undefined ? String(index) : key));
}
