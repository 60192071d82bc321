import { join } from "node:path";
import { closingLine } from "../../reports/terminal.ts";
import { clock } from "../clock/clock.ts";
import { PvhError } from "../errors.ts";
import { makeRunDirectory } from "../evidence/run-directory.ts";
import { EXIT } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import { discover } from "../run/discover.ts";
import type { DiscoveredScenario } from "../run/discover.ts";
import { prepareRun } from "../run/prepare-run.ts";
import { runScenarios } from "../run/run.ts";
import type { RunResult } from "../run/run.ts";
import { select } from "../run/selection.ts";
import type { Selected } from "../run/selection.ts";
import type { Call } from "./command.ts";
import { JunitFile } from "./junit-file.ts";
import { liveReport } from "./progress.ts";
import { readRunFlags } from "./run-options.ts";
import type { RunFlags } from "./run-options.ts";

/** `pvh run [filter…]`: run what the filter selects, without one everything. */
export async function runCommand(call: Call): Promise<ExitCode> {
  const flags = readRunFlags(call.args);
  const filter = call.args.words.join(" ");
  const selected = select(await discover(), filter);
  return runSelected(selected, flags, ["run", ...call.args.words], call);
}

/** Prepare, run, report: what `run` and `scenario` have in common. */
export async function runSelected(
  selected: readonly Selected<DiscoveredScenario>[],
  flags: RunFlags,
  command: readonly string[],
  { out, signal }: Call,
): Promise<ExitCode> {
  if (selected.length === 0) {
    out.say("nothing selected\n  -> pvh ls lists the scenarios");
    return EXIT.nothing;
  }
  clock.scale = flags.options.timeoutScale;
  const junit = flags.junit === undefined ? undefined : new JunitFile(flags.junit);
  const prepared = await prepareRun(
    selected.map(({ scenario }) => scenario),
    flags.image,
    { signal, progress: (line) => out.say(line) },
  );
  if (signal.aborted) throw new PvhError("PVH_ABORTED", "cancelled before anything ran");
  const directory = makeRunDirectory();
  const live = liveReport(flags.progress, process.stderr);
  let result: RunResult;
  try {
    result = await runScenarios(
      selected,
      prepared,
      directory,
      { ...flags.options, command: [...command, ...flags.given] },
      {
        signal,
        onEvent: (event) => {
          live.event(event);
          if (flags.json) out.data(JSON.stringify(event));
        },
      },
    );
  } finally {
    live.stop();
  }
  for (const line of live.closing(directory.shown)) out.say(line);
  // CI reads this line: it stands alone, on stdout unless that is for events.
  const line = closingLine(result.state);
  if (flags.json) out.say(line);
  else out.data(line);
  if (result.unwritten !== undefined) throw result.unwritten;
  junit?.fill(join(directory.folder, "junit.xml"));
  return result.exitCode;
}
