import { compareRuns, comparisonText, isWorse } from "../../reports/compare.ts";
import { printableLine } from "../../reports/printable.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Call } from "./command.ts";
import { readRun } from "./read-run.ts";

/** `pvh compare <before> <after>`: what the later run judges otherwise; exit 1 when a gate should look. */
export function compareCommand({ args, out }: Call): Promise<ExitCode> {
  const before = readRun(args.word(0) ?? "");
  const after = readRun(args.word(1) ?? "");
  const compared = compareRuns(before, after);
  if (args.flag("json")) {
    out.data(JSON.stringify(compared, null, 2));
  } else {
    for (const [word, { run, image, profile }] of [
      ["before", before],
      ["after ", after],
    ] as const) {
      out.say(printableLine(`${word}  ${run}: ${image}, ${profile}`));
    }
    out.data(comparisonText(compared));
  }
  return Promise.resolve(compared.some(isWorse) ? EXIT.failed : EXIT.pass);
}
