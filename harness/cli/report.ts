import { writeFileSync } from "node:fs";
import { exitCodeOf } from "../../reports/exit-code.ts";
import { printableLine } from "../../reports/printable.ts";
import { foldRecord } from "../../reports/read-record.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { RunState } from "../../reports/run-state.ts";
import { PvhError } from "../errors.ts";
import { renderReport, REPORT_FORMATS } from "../run/render-report.ts";
import { messageOfThrown } from "../thrown.ts";
import type { Call } from "./command.ts";
import { oneOf } from "./parse-value.ts";
import { readRecordOf } from "./read-record-of.ts";

/**
 * `pvh report [run]`: a report of any record, made anew from its events. A record that stops is read as
 * far as it goes; stderr and the report say where.
 */
export function reportCommand({ args, out }: Call): Promise<ExitCode> {
  const format = oneOf(args, "format", REPORT_FORMATS) ?? "text";
  const { directory, record } = readRecordOf(args.word(0) ?? "latest");
  const state = foldRecord(record);
  if (record.stopped !== undefined) out.say(printableLine(`pvh: ${record.stopped}`));
  const report = renderReport(format, { state, events: record.events, directory });
  const file = args.text("output");
  if (file !== undefined) write(file, report);
  // GitHub shall obey these lines.
  else if (format === "github") process.stdout.write(report);
  else out.data(report.replace(/\n$/, ""));
  return Promise.resolve(args.flag("exitCode") ? codeOf(state) : EXIT.pass);
}

/** Exit code of the run; the record says what it held of a flaky pass. */
function codeOf(state: RunState): ExitCode {
  const { finished } = state;
  const flaky = finished?.exitCode === EXIT.pass ? "pass" : "fail";
  return exitCodeOf(state, finished?.interrupted, flaky);
}

function write(file: string, report: string): void {
  try {
    writeFileSync(file, report);
  } catch (cause) {
    const why = messageOfThrown(cause);
    throw new PvhError("PVH_USAGE", `--output ${file} cannot be written: ${why}`, { cause });
  }
}
