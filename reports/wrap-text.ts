/** Columns that a character takes in a terminal: two for the wide ones of East Asia, and for emoji. */
function columnsOf(character: string): number {
  if (/\p{Mark}/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** Number of columns of a text without control characters. */
export function width(text: string): number {
  let columns = 0;
  for (const character of text) columns += columnsOf(character);
  return columns;
}

/**
 * A text on lines of at most `columns`, broken at blanks, and inside of a word only where the word is
 * longer than a line. Infinity breaks nothing.
 *
 * @param join end of each line but the last
 */
export function wrapText(text: string, columns: number, join = ""): string[] {
  if (columns === Infinity || width(text) <= columns) return [text];
  const room = Math.max(1, columns - join.length);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").flatMap((one) => pieces(one, room))) {
    if (line !== "" && width(line) + 1 + width(word) > room) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((one, index) => (index < lines.length - 1 ? one + join : one));
}

/** Parts of a word, none longer than a line. */
function pieces(word: string, columns: number): string[] {
  const parts: string[] = [];
  let part = "";
  let taken = 0;
  for (const character of word) {
    const more = columnsOf(character);
    if (part !== "" && taken + more > columns) {
      parts.push(part);
      part = "";
      taken = 0;
    }
    part += character;
    taken += more;
  }
  return [...parts, part];
}
