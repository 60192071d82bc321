import { exitReason } from "./exit-code.ts";
import { blockMarkdown, inline } from "./block-markdown.ts";
import { toldBlocks } from "./failure-block.ts";
import { printableLine } from "./printable.ts";
import { countChecks, isFlaky, lastAttempt } from "./run-state.ts";
import type { RunState, ScenarioState } from "./run-state.ts";
import { closingLine } from "./terminal.ts";

/** GitHub drops a step's summary of more than 1 MiB whole. */
const LIMIT = 900 * 1024;

/**
 * summary.md, for GitHub's step summary and for people: verdict, failures, flaky and skipped checks. Texts
 * of containers stand in code, where neither markup, links nor mentions act.
 *
 * @param folder the run directory, as the reader may open it
 * @param limit bytes at which it is cut, with a line that says so
 */
export function markdownSummary(state: RunState, folder: string, limit = LIMIT): string {
  const { started } = state;
  const reason = exitReason(state);
  const { failed } = countChecks(state);
  const verdict = reason === undefined ? "passed" : failed > 0 ? "failed" : "not passed";
  const scenarios = [...state.scenarios.values()];
  const told = toldBlocks(state, folder);
  const blocks = [
    [
      `## pvh: ${verdict}`,
      "",
      `${closingLine(state)}${reason === undefined ? "" : `. ${plain(reason)}`}`,
      "",
      `- run ${inline(started?.run ?? "")}, ${seconds(state.finished?.ms ?? 0)}`,
      `- image ${inline(started?.image ?? "")}${state.imageId === undefined ? "" : ` ${inline(state.imageId)}`}`,
      `- profile ${inline(started?.profile ?? "")}${started?.quirks.length === 0 ? "" : `, quirks ${inline(started?.quirks.join(",") ?? "")}`}, seed ${started?.seed ?? 0}`,
      `- record ${inline(folder)}`,
      "",
    ],
    ...[...told.run, ...told.scenarios.flatMap((one) => one.blocks)].map((block) => [
      blockMarkdown(block),
      "",
    ]),
    ...list(
      "Flaky",
      scenarios.filter(isFlaky).map(({ name }) => `${inline(name)} passed after a retry`),
    ),
    ...list("Skipped", skips(scenarios)),
  ];
  return bounded(blocks, limit);
}

function skips(scenarios: readonly ScenarioState[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const scenario of scenarios) {
    for (const { id, verdict, reason } of lastAttempt(scenario).checks.values()) {
      if (verdict === "passed" || verdict === "failed") continue;
      const why = reason ?? "it has no verdict";
      byReason.set(why, [...(byReason.get(why) ?? []), id]);
    }
  }
  return [...byReason].map(([why, ids]) => `${inline(why)}: ${ids.map(inline).join(", ")}`);
}

function list(title: string, items: readonly string[]): string[][] {
  if (items.length === 0) return [];
  return [[`### ${title}`, ""], ...items.map((item) => [`- ${item}`]), [""]];
}

/** Whole blocks, as many as there is room for. */
function bounded(blocks: readonly (readonly string[])[], limit: number): string {
  const kept: string[] = [];
  let size = 200;
  for (const [index, block] of blocks.entries()) {
    const text = `${block.join("\n")}\n`;
    size += Buffer.byteLength(text);
    if (size > limit) {
      kept.push(`\n*cut here: ${blocks.length - index} more parts are in the report*\n`);
      break;
    }
    kept.push(text);
  }
  return kept.join("");
}

/** Text in which nothing is markup: CommonMark takes a backslash before any ASCII punctuation. */
function plain(text: string): string {
  return printableLine(text, 300)
    .replace(/[!-/:-@[-`{-~]/g, String.raw`\$&`)
    .replaceAll("@", "@\u200b");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
