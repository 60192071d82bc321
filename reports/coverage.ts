/** Rows as harness/catalogue/coverage.ts makes them. */
export interface CoverageTable {
  readonly rows: readonly {
    readonly id: string;
    readonly suite: string;
    readonly promise: string;
    /** Letters of `sources`. */
    readonly src: string;
    readonly quirk: string | null;
    readonly scenarios: readonly string[];
  }[];
  readonly suites: readonly {
    readonly suite: string;
    readonly covered: number;
    readonly rows: number;
  }[];
  readonly covered: number;
}

/**
 * docs/coverage.md.
 * @param sources meaning of the letters in `src`
 */
export function coverageMarkdown(
  { rows, suites, covered }: CoverageTable,
  sources: Readonly<Record<string, string>>,
): string {
  const section = ({
    suite,
    covered: of,
    rows: all,
  }: CoverageTable["suites"][number]): string[] => [
    `## ${suite}: ${of} of ${all}`,
    "",
    "| check | promise | scenario | quirk that must turn it red | source |",
    "|---|---|---|---|---|",
    ...rows
      .filter((row) => row.suite === suite)
      .map(
        ({ id, promise, scenarios, quirk, src }) =>
          `| ${id} | ${cell(promise)} | ${scenarios.join(", ") || "–"} | ${quirk ?? "–"} | ${src} |`,
      ),
    "",
  ];
  return [
    "# Coverage of the catalogue",
    "",
    "<!-- Made by `pvh coverage --markdown`; do not edit. -->",
    "",
    `${covered} of ${rows.length} promises have a check.`,
    "",
    "The letters of the last column name the document that makes the promise:",
    "",
    ...Object.entries(sources).map(([letter, meaning]) => `- **${letter}**: ${meaning}.`),
    "",
    ...suites.flatMap(section),
  ].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`);
}
