/** Columns before the first line that has text. */
export function indentOf(text: string): number {
  return /^ *(?=\S)/m.exec(text)?.[0].length ?? 0;
}

/** The text without the indent of its first line. It keeps its lines, so that positions stay true. */
export function dedent(text: string): string {
  return text.replaceAll(new RegExp(`^ {${indentOf(text)}}`, "gm"), "");
}
