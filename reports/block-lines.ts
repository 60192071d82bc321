import type { EvidenceFolder, FailureBlock } from "./failure-block.ts";
import type { CodeExcerpt, Diagnosis, Quote } from "./failure-details.ts";
import { noPaint } from "./paint.ts";
import type { Paint } from "./paint.ts";
import { printable, printableLine } from "./printable.ts";
import { unrunWords } from "./told-once.ts";
import { wrapText } from "./wrap-text.ts";

export interface BlockStyle {
  readonly paint: Paint;
  /** Columns of the longest line; Infinity for a file. */
  readonly columns: number;
  /** Lines of a diff, a message or a quote that are shown; Infinity for a file. */
  readonly most: number;
}

/** Width of a terminal of which nothing is known. */
export const COLUMNS = 80;

/** Style of files: nothing is cut. */
export const WHOLE: BlockStyle = { paint: noPaint, columns: Infinity, most: Infinity };

const LABEL = 10;

/**
 * A failure as lines of text. A known cause and its fix come first, then the check and the fact that
 * breaks its promise.
 */
export function blockLines(block: FailureBlock, style: BlockStyle): string[] {
  return [...factLines(block, style), ...whereLines(block, style)];
}

/** The part of a block that is about one failure. */
export function factLines(block: FailureBlock, style: BlockStyle): string[] {
  const { paint, most } = style;
  const entry = entryWith(style);
  const { fact, wait, failure, rest, excerpt, quotes, hint, frame, files } = block;
  const [cause, ...others] = block.diagnoses ?? [];
  const shown = printable(rest.join("\n")).split("\n");
  return [
    ...(cause === undefined ? [] : causeLines(cause, style)),
    ...headLines(block, style),
    ...entry("fact", `${printableLine(block.says, MESSAGE)}  [${failure.class} ${failure.code}]`),
    ...(block.unrun === undefined ? [] : entry("not run", printableLine(unrunWords(block.unrun)))),
    ...promiseLines(block, style),
    ...(rest.length === 0 ? [] : cutLines(shown, most).flatMap((line) => entry("", line))),
    ...(fact?.diff === undefined ? [] : diffLines(fact.diff, style)),
    ...(wait === undefined ? [] : entry("missing", printableLine(wait.missing))),
    ...(wait?.seen === undefined ? [] : quoteLines("seen last", wait.seen, style)),
    ...(excerpt === undefined ? [] : codeLines(excerpt, style)),
    ...(excerpt !== undefined || frame === undefined ? [] : entry("where", printableLine(frame))),
    ...quotes.flatMap((quote) => quoteLines("told by", quote, style)),
    ...(cause?.evidence ?? []).flatMap((quote) => quoteLines("shown by", quote, style)),
    ...others.flatMap((other) => entry("or", `${other.cause}; fix: ${other.fix}`)),
    ...(block.diagnoses?.length === 0
      ? entry("diagnosis", paint.dim("no known cause; pvh diagnose offers a rule for it"))
      : []),
    ...(hint === undefined ? [] : entry("hint", printableLine(hint))),
    ...files.flatMap((path) => entry("evidence", printableLine(path))),
  ];
}

/** The part that the failures of a scenario share: its evidence, and the commands. */
export function whereLines({ evidence, again, hold }: FailureBlock, style: BlockStyle): string[] {
  return [
    ...(evidence === undefined ? [] : evidenceLines(evidence, style)),
    ...(again === undefined ? [] : commandLines("again", again, style)),
    ...(hold === undefined ? [] : commandLines("hold", hold, style)),
  ];
}

/** Characters of the names of a scenario and its check. */
const NAME = 200;
/** Characters of the first line of a message. */
const MESSAGE = 600;

/** The cause of a failure, as the first line about it. */
export function causeLine({ cause, fix }: Diagnosis): string {
  return `cause: ${printableLine(cause)}; fix: ${printableLine(fix)}`;
}

function causeLines(diagnosis: Diagnosis, { paint, columns }: BlockStyle): string[] {
  return wrapText(causeLine(diagnosis), columns).map((line) => paint.unsure(line));
}

/** The check and its title, or the place of a failure outside of any check. */
export function headOf({
  name,
  title,
  where = "",
}: Pick<FailureBlock, "name"> & {
  readonly title: string | undefined;
  readonly where: string | undefined;
}): string {
  const who = printableLine(name, NAME);
  if (title === undefined) return `${who} failed outside its checks: ${printableLine(where)}`;
  return `${who}: ${printableLine(title)}`;
}

function headLines({ name, title, where }: FailureBlock, { paint, columns }: BlockStyle): string[] {
  const head = headOf({ name, title, where });
  return wrapText(head, columns).map((line) => paint.bad(line));
}

function promiseLines({ promise, source }: FailureBlock, style: BlockStyle): string[] {
  const entry = entryWith(style);
  return [
    ...(promise === undefined ? [] : entry("promise", printableLine(promise))),
    ...(source === undefined ? [] : entry("source", printableLine(source))),
  ];
}

type Entry = (label: string, text: string) => string[];

/** A label, and a text beside it. */
function entryWith({ columns }: BlockStyle): Entry {
  const indent = LABEL + 2;
  return (label, text) =>
    wrapText(text, columns - indent).map(
      (line, index) => `  ${(index === 0 ? label : "").padEnd(LABEL)}${line}`,
    );
}

function diffLines(diff: readonly string[], style: BlockStyle): string[] {
  const entry = entryWith(style);
  const changed = diff.findIndex((line) => !line.startsWith(" "));
  // A long structure begins with what is the same.
  const from = style.most === Infinity ? 0 : Math.max(0, changed - 2);
  const lines = cutLines(diff.slice(from).map(printableText), style.most);
  return [
    ...entry("diff", "- as it is   + as promised"),
    ...lines.flatMap((line) => entry("", line)),
  ];
}

function codeLines({ file, line, from, lines }: CodeExcerpt, style: BlockStyle): string[] {
  const entry = entryWith(style);
  const room = style.columns - LABEL - 2;
  return [
    ...entry("code", `${printableLine(file)}:${line}`),
    ...lines.map((text, index) => {
      const number = from + index;
      const shown = `${number === line ? ">" : " "} ${String(number).padStart(4)} ${printableText(text)}`;
      return `  ${" ".repeat(LABEL)}${shown.length > room ? `${shown.slice(0, room - 1)}…` : shown}`;
    }),
  ];
}

function quoteLines(label: string, { from, lines }: Quote, style: BlockStyle): string[] {
  const entry = entryWith(style);
  const most = style.most === Infinity ? lines.length : Math.min(QUOTED, lines.length);
  return [
    ...entry(label, printableLine(from)),
    ...lines.slice(-most).flatMap((line) => entry("", `| ${printableLine(line, 300)}`)),
  ];
}

/** Lines of a quote that a terminal shows, the last ones. */
const QUOTED = 5;

function evidenceLines({ folder, files, telling }: EvidenceFolder, style: BlockStyle): string[] {
  const entry = entryWith(style);
  const [first, ...others] = files;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return [
    ...entry("evidence", `${printableLine(folder)}/: ${printableLine(first ?? "")}${more}`),
    // Pantavisor's log tells what it did to a container; the container's console, why.
    ...telling
      .slice(0, 2)
      .flatMap(({ from, lines }, place) => [
        ...(place === 0 ? [] : entry("", printableLine(from))),
        ...lines.slice(-QUOTED).flatMap((line) => entry("", `| ${printableLine(line, 300)}`)),
      ]),
  ];
}

/** A command can be copied from several lines, too. */
function commandLines(label: string, command: string, { columns }: BlockStyle): string[] {
  return wrapText(printableText(command), columns - LABEL - 2, " \\").map(
    (line, index) => `  ${(index === 0 ? label : "").padEnd(LABEL)}${line}`,
  );
}

function cutLines(lines: readonly string[], most: number): string[] {
  if (lines.length <= most) return [...lines];
  return [...lines.slice(0, most), `… ${lines.length - most} more lines`];
}

/** Text that keeps its blanks, on one line. */
function printableText(text: string): string {
  return printable(text).replaceAll(/[\n\t]/g, " ");
}
