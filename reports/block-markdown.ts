import { causeLine, headOf } from "./block-lines.ts";
import type { FailureBlock } from "./failure-block.ts";
import type { CodeExcerpt, Quote } from "./failure-details.ts";
import { printable, printableLine } from "./printable.ts";
import { unrunWords } from "./told-once.ts";

/**
 * A failure as GitHub's Markdown. Texts come from containers: all that is not this file's own stands
 * in code, where nothing acts.
 */
export function blockMarkdown(block: FailureBlock): string {
  const { name, title, where, promise, source, fact, wait, excerpt, quotes, hint, failure } = block;
  const [cause, ...others] = block.diagnoses ?? [];
  const { evidence, again, hold } = block;
  return [
    ...(cause === undefined ? [] : [`**${inline(causeLine(cause))}**`, ""]),
    `### ${inline(headOf({ name, title, where }))}`,
    "",
    item("fact", `${block.says}  [${failure.class} ${failure.code}]`),
    ...optional("not run", block.unrun === undefined ? undefined : unrunWords(block.unrun)),
    ...optional("promise", promise),
    ...optional("source", source),
    ...optional("missing", wait?.missing),
    ...others.map((other) => item("or", `${other.cause}; fix: ${other.fix}`)),
    ...(block.diagnoses?.length === 0 ? ["- diagnosis: no known cause"] : []),
    ...optional("hint", hint),
    ...optional("evidence", evidence?.folder),
    "",
    ...(block.rest.length === 0 ? [] : fence("", block.rest)),
    ...(fact?.diff === undefined ? [] : fence("diff", fact.diff)),
    ...(wait?.seen === undefined ? [] : quoted("seen last", wait.seen)),
    ...(excerpt === undefined ? [] : quoted("code", excerptQuote(excerpt))),
    ...[...quotes, ...(cause?.evidence ?? []), ...(evidence?.telling ?? [])].flatMap((quote) =>
      quoted("from", quote),
    ),
    ...fence(
      "sh",
      [again, hold].filter((command) => command !== undefined),
    ),
  ].join("\n");
}

function excerptQuote({ file, line, lines }: CodeExcerpt): Quote {
  return { from: `${file}:${line}`, lines };
}

function item(label: string, text: string): string {
  return `- ${label}: ${inline(text)}`;
}

function optional(label: string, text: string | undefined): string[] {
  return text === undefined ? [] : [item(label, text)];
}

function quoted(label: string, { from, lines }: Quote): string[] {
  return [`${label} ${inline(from)}:`, "", ...fence("text", lines)];
}

/** A text in code, with more backticks around it than it holds. */
export function inline(text: string): string {
  const line = printableLine(text, 1_000);
  const ticks = "`".repeat(longestRun(line) + 1);
  const pad = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return line === "" ? "` `" : `${ticks}${pad}${line}${pad}${ticks}`;
}

/** Lines in a block of code, of which nothing acts. */
export function fence(language: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const text = printable(lines.join("\n"));
  const ticks = "`".repeat(Math.max(3, longestRun(text) + 1));
  return [`${ticks}${language}`, text, ticks, ""];
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
