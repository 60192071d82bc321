/**
 * A line that no CI takes for a command: GitHub's runner obeys lines that begin with `::`, and `##[` or
 * `##vso[` wherever it stands, as Azure's does; TeamCity obeys `##teamcity[`.
 */
export function withoutCommands(text: string): string {
  return text.replace(/^(\s*)::/gm, "$1: :").replace(/##(?=\w*\[)/g, "# #");
}

/** The same for JSON, whose strings may spell a character by its number. */
export function jsonWithoutCommands(json: string): string {
  return json.replace(/##(?=\w*\[)/g, String.raw`#\u0023`);
}
