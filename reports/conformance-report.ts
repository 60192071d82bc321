import { fence, inline } from "./block-markdown.ts";
import { conformanceCounts } from "./conformance.ts";
import type { Conformance, ConformanceRow, JudgedImage } from "./conformance.ts";
import type { DivergedSide } from "./divergence.ts";
import { printableLine } from "./printable.ts";
import { table } from "./table.ts";

/** A table of the promises that are not kept, for a terminal. */
export function conformanceText(conformance: Conformance): string {
  const rows = conformance.rows.filter(({ conformity }) => conformity !== "kept");
  const counts = conformanceCounts(conformance);
  if (rows.length === 0) return counts;
  const lines = rows.map((row) => [
    row.check,
    row.conformity,
    printableLine(happened(row), 100),
    pointOf(row),
  ]);
  const head = ["CHECK", "CONFORMITY", "WHAT HAPPENED", "FIRST DIFFERENCE"];
  return `${table(head, lines)}\n\n${counts}`;
}

/** The entries at which two sides part, in one line. */
function pointOf({ divergence }: ConformanceRow): string {
  if (divergence === undefined) return "";
  const [mine = "", theirs = ""] = [divergence.image, divergence.against].map(({ next: [entry] }) =>
    printableLine(entry?.startsWith("failed: ") === true ? "failed" : (entry ?? ""), 60),
  );
  return `${mine} / ${theirs}`;
}

function happened({ detail, against = "" }: ConformanceRow): string {
  return detail === "" ? against : detail;
}

/** All rows as a Markdown page; those that depart come with both transcripts from where they part. */
export function conformanceMarkdown(conformance: Conformance): string {
  const { image, against, rows } = conformance;
  const cell = (text: string): string =>
    printableLine(text, 200).replaceAll("\\", "\\\\").replaceAll("|", "\\|");
  return [
    `# ${cell(image.reference)} against ${cell(against.reference)}`,
    "",
    `${conformanceCounts(conformance)}.`,
    "",
    `- image: ${named(image)}`,
    `- against: ${named(against)}`,
    "",
    "| check | promise | conformity | what happened |",
    "| --- | --- | --- | --- |",
    ...rows.map(
      (row) =>
        `| ${cell(row.check)} | ${cell(row.promise)} | ${row.conformity} | ${cell(happened(row))} |`,
    ),
    "",
    ...rows.flatMap(details),
  ].join("\n");
}

function named({ reference, id }: JudgedImage): string {
  return id === undefined ? inline(reference) : `${inline(reference)}, ${inline(id)}`;
}

function details({ check, promise, fact, divergence }: ConformanceRow): string[] {
  if (divergence === undefined) return [];
  const { alike, before, image, against } = divergence;
  return [
    `### ${inline(check)}`,
    "",
    `- promise: ${inline(promise)}`,
    ...(fact === undefined
      ? []
      : [`- ${inline(fact.what)}: ${inline(fact.actual)}, promised ${inline(fact.promised)}`]),
    `- requests and commands that are alike: ${alike}`,
    "",
    ...titled("alike, the last of them", before),
    ...side("image", image),
    ...side("against", against),
  ];
}

function side(name: string, { next, log }: DivergedSide): string[] {
  return [...titled(name, next), ...titled(`log of ${name}`, log)];
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, "", ...fence("text", lines)];
}
