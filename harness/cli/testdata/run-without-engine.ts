/**
 * `pvh run --junit FILE` without an engine: `run-without-engine.ts FILE FOLDER`, for scenarios
 * of a folder that need no appengine.
 */
import { discover } from "../../run/discover.ts";
import { select } from "../../run/selection.ts";
import { PREPARED_WITHOUT_ENGINE } from "../../run/testdata/prepared-without-engine.ts";
import { Args } from "../command.ts";
import { processOutput } from "../output.ts";
import { readRunFlags } from "../run-flags.ts";
import { runSelected } from "../run.ts";

const [junit, folder] = process.argv.slice(2);
const args = new Args([], { junit, progress: "plain" });
const exitCode = await runSelected(
  select(await discover(folder), ""),
  readRunFlags(args, "given"),
  ["run"],
  { args, out: processOutput, signal: new AbortController().signal },
  () => Promise.resolve(PREPARED_WITHOUT_ENGINE),
);
process.exit(exitCode);
