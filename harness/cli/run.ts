import { join } from "node:path";
import { jsonWithoutCommands } from "../../reports/ci-commands.ts";
import { closingLine } from "../../reports/terminal.ts";
import { timingsTable } from "../../reports/timings.ts";
import { clock } from "../clock/clock.ts";
import { PvhError } from "../errors.ts";
import { nothingSelected } from "../project/project.ts";
import { makeRunDirectory } from "../run/run-directory.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { discover, problemsOf } from "../run/discover.ts";
import type { DiscoveredScenario } from "../run/discovered-scenario.ts";
import { prepareRun } from "../run/prepare-run.ts";
import { formerDurations } from "../run/history.ts";
import { runScenarios } from "../run/run.ts";
import type { RunResult } from "../run/run.ts";
import { select } from "../run/selection.ts";
import type { Selected } from "../run/selection.ts";
import { shardOf } from "../run/shard.ts";
import type { Shard } from "../run/shard.ts";
import type { Call } from "./command.ts";
import { tellGithub } from "./github-actions.ts";
import { JunitFile } from "./junit-file.ts";
import { liveReport } from "./progress.ts";
import { lastFailed } from "./last-failed.ts";
import { pausePrompt } from "./pause-prompt.ts";
import { PAGE, writePage } from "./report-page.ts";
import { preparationOf } from "./preparation.ts";
import { describeError } from "./report-error.ts";
import { withProject } from "./project-args.ts";
import { readRunFlags } from "./run-flags.ts";
import type { RunFlags } from "./run-flags.ts";

/** `pvh run [filter…]`: run what the filter selects, without one everything. */
export async function runCommand(call: Call): Promise<ExitCode> {
  const flags = readRunFlags(await withProject(call.args), "longest first");
  const filter = call.args.words.join(" ");
  const all = select(await discover(), filter);
  const selected = call.args.flag("lastFailed") ? lastFailed(all) : all;
  return runSelected(selected, flags, ["run", ...call.args.words], call);
}

/** Prepare, run, report: what `run` and `scenario` have in common. */
export async function runSelected(
  whole: readonly Selected<DiscoveredScenario>[],
  flags: RunFlags,
  command: readonly string[],
  { out, signal }: Call,
  prepare: typeof prepareRun = prepareRun,
): Promise<ExitCode> {
  const selected = await partOf(whole, flags.shard);
  if (whole.length === 0) {
    out.say(await nothingSelected());
    return EXIT.nothing;
  }
  clock.scale = flags.options.timeoutScale;
  const junit = flags.junit === undefined ? undefined : new JunitFile(flags.junit);
  if (signal.aborted) throw new PvhError("PVH_ABORTED", "cancelled before the run began");
  const directory = makeRunDirectory();
  const { scenarios: durations } = await formerDurations();
  // A fault of a file is known before anything boots.
  if (flags.progress !== "json") {
    for (const problem of problemsOf(selected.map(plannedPart))) out.say(`pvh: ${problem}`);
  }
  const live = liveReport(flags.progress, process.stderr, { durations, jobs: flags.options.jobs });
  const pause =
    flags.options.pauseOnFailure === true ? pausePrompt(directory.folder, out) : undefined;
  const ends = withDeadline(signal, flags.deadline);
  let result: RunResult;
  try {
    result = await runScenarios(
      selected,
      preparationOf(selected, flags, out, prepare),
      directory,
      {
        ...flags.options,
        command: [...command, ...flags.given],
        ...(flags.shard !== undefined && {
          shard: { ...flags.shard, whole: whole.map(({ scenario }) => scenario.name) },
        }),
      },
      {
        signal: ends.signal,
        onEvent: (event) => {
          live.event(event);
          pause?.heard(event);
          if (flags.json) out.data(jsonWithoutCommands(JSON.stringify(event)));
        },
      },
    );
  } finally {
    live.stop();
    pause?.stop();
    ends.clear();
  }
  for (const line of live.closing(directory.shown)) out.say(line);
  const cut = result.state.finished?.interrupted ?? "deadline";
  // A signal leaves no time for it.
  const hasPage = cut === "deadline" && flags.progress !== "json";
  if (hasPage) out.say(`report     ${directory.shown}/${PAGE}`);
  if (flags.timings) out.say(`\n${timingsTable(result.state)}`);
  // CI reads this line: it is alone on stdout, or on stderr when stdout carries events.
  const line = closingLine(result.state);
  if (flags.json) out.say(line);
  else out.data(line);
  const unwritten = [
    ...result.unwritten,
    ...filled(junit, join(directory.folder, "junit.xml")),
    ...(hasPage ? writePage(directory, result.state) : []),
    ...tellGithub({ state: result.state, events: [], directory }),
  ];
  for (const error of unwritten) out.say(describeError(error, undefined).text);
  // A lost report leaves a failing verdict as it is; a pass without its report is no pass.
  if (result.exitCode === EXIT.pass && unwritten.length > 0) return EXIT.infra;
  // There may be more shards than scenarios.
  return selected.length === 0 && result.exitCode === EXIT.nothing ? EXIT.pass : result.exitCode;
}

async function partOf(
  whole: readonly Selected<DiscoveredScenario>[],
  shard: Shard | undefined,
): Promise<readonly Selected<DiscoveredScenario>[]> {
  return shard === undefined ? whole : shardOf(whole, shard, await formerDurations());
}

/** Only those checks of the scenario that are to run. */
function plannedPart({
  scenario,
  checks,
}: Selected<DiscoveredScenario>): Pick<DiscoveredScenario, "checks"> {
  return { checks: scenario.checks.filter(({ id }) => checks.includes(id)) };
}

/** The signal of a run that has a deadline: it fires with the reason "deadline" at its end. */
function withDeadline(
  signal: AbortSignal,
  ms: number | undefined,
): { readonly signal: AbortSignal; readonly clear: () => void } {
  if (ms === undefined) return { signal, clear: () => undefined };
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort("deadline"), ms);
  return {
    signal: AbortSignal.any([signal, deadline.signal]),
    clear: () => clearTimeout(timer),
  };
}

/** @returns why the report is not where `--junit` wants it */
function filled(junit: JunitFile | undefined, report: string): PvhError[] {
  try {
    junit?.fill(report);
    return [];
  } catch (error) {
    if (error instanceof PvhError) return [error];
    throw error;
  }
}
