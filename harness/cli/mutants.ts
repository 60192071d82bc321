import PQueue from "p-queue";
import { printableLine } from "../../reports/printable.ts";
import { lastAttempt } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import { QUIRKS } from "../../broker/shared/quirks/names.ts";
import { clock } from "../clock/clock.ts";
import { makePartDirectory, makeRunDirectory } from "../run/run-directory.ts";
import type { RunDirectory } from "../run/run-directory.ts";
import { endingSignal, EXIT, SIGNAL_EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { catalogue, quirksOf } from "../catalogue/catalogue.ts";
import { discover, problemsOf } from "../run/discover.ts";
import type { DiscoveredScenario } from "../run/discovered-scenario.ts";
import { drawn, longestFirst } from "../catalogue/mutant-order.ts";
import { isBad, isTouched, judge, mutantsOf } from "../catalogue/mutants.ts";
import type { CheckResult, Mutant, MutantRow } from "../catalogue/mutants.ts";
import { touchedBy } from "../catalogue/touched.ts";
import { ROOT } from "../root.ts";
import { formerDurations } from "../run/history.ts";
import { prepareRun } from "../run/prepare-run.ts";
import type { Prepared } from "../run/prepare-run.ts";
import { runScenarios } from "../run/run.ts";
import type { Keep } from "../run/run-settings.ts";
import { select } from "../run/selection.ts";
import type { Args, Call } from "./command.ts";
import { changedFiles } from "./git-changes.ts";
import { sourceTexts } from "./source-texts.ts";
import { timeoutScale, wholeNumber } from "./parse-value.ts";
import { usualJobs } from "./usual-jobs.ts";
import { table } from "../../reports/table.ts";

/**
 * `pvh mutants [filter…]`: make each quirk that the selected checks claim to notice, and see
 * that they do, for the right reason, while the other checks of their scenarios, or with
 * `--claims-only` one of them, still give a verdict. `--changed` leaves what a diff touches, `--quick`
 * a sample.
 */
export async function mutantsCommand(call: Call): Promise<ExitCode> {
  const { args, out, signal } = call;
  const begun = performance.now();
  clock.scale = timeoutScale(args);
  const jobs = wholeNumber(args, "jobs", 1) ?? usualJobs();
  const all = await discover();
  const selected = select(all, args.words.join(" "));
  const problems = problemsOf(selected.map(({ scenario }) => scenario));
  for (const problem of problems) out.say(`pvh: ${problem}`);
  const former = await formerDurations();
  const known = mutantsOf(
    selected.map(({ scenario, checks }) => ({
      name: scenario.name,
      all: scenario.checks.map(({ id }) => id),
      selected: checks,
    })),
    (check) => {
      const row = catalogue().get(check);
      return row === undefined ? [] : quirksOf(row);
    },
    (quirk) => Object.hasOwn(QUIRKS, quirk),
    { claimsOnly: args.flag("claimsOnly"), msOf: (check) => former.checks.get(check) },
  );
  if (known.length === 0) {
    out.say("no selected check claims a quirk");
    return problems.length > 0 ? EXIT.usage : EXIT.nothing;
  }
  const mutants = chosen(known, all, args);
  if (mutants.length === 0) {
    out.say("nothing has changed that a quirk or a check which claims one is made of");
    return problems.length > 0 ? EXIT.usage : EXIT.pass;
  }
  if (mutants.length < known.length) out.say(`${mutants.length} of ${known.length} quirks`);
  const names = new Set(mutants.flatMap(({ scenarios }) => scenarios.map(({ name }) => name)));
  const prepared = await prepareRun(
    all.filter(({ name }) => names.has(name)),
    {},
    { signal, progress: (line) => out.say(line) },
  );
  const directory = makeRunDirectory();
  const queue = new PQueue({ concurrency: jobs });
  let finished = 0;
  const isOver = (): boolean => signal.aborted;
  const judgeNext = async (mutant: Mutant): Promise<MutantRow[]> => {
    if (isOver()) return [];
    const started = performance.now();
    const part = (name: string): RunDirectory => makePartDirectory(directory, name);
    const rows = await runMutant(mutant, all, prepared, part(mutant.quirk), "never", signal);
    const isWrong = rows.some(isBad);
    finished += 1;
    const verdict = isWrong ? "BAD" : "ok ";
    out.say(`${verdict}  ${finished} of ${mutants.length}  ${mutant.quirk}  (${since(started)} s)`);
    if (isWrong && mutant.exists && !isOver()) {
      // Keeping evidence takes time, and a check that is red as it should be needs none.
      const again = part(`${mutant.quirk}.again`);
      await runMutant(mutant, all, prepared, again, "always", signal);
      out.say(`     evidence of a second run: ${again.shown}`);
    }
    return rows;
  };
  const judged = new Map<Mutant, MutantRow[]>();
  await queue.addAll(
    longestFirst(mutants, former).map((mutant) => async () => {
      judged.set(mutant, await judgeNext(mutant));
    }),
  );
  const rows = mutants.flatMap((mutant) => judged.get(mutant) ?? []);
  const exitCode = report(rows, directory, since(begun), call);
  return exitCode === EXIT.pass && problems.length > 0 ? EXIT.usage : exitCode;
}

/** Those of the mutants that `--changed` and `--quick` leave. */
function chosen(
  mutants: readonly Mutant[],
  all: readonly DiscoveredScenario[],
  args: Args,
): readonly Mutant[] {
  const base = args.text("changed");
  const seed = wholeNumber(args, "quick", 0);
  let left = mutants;
  if (base !== undefined || args.flag("changed")) {
    const changes = changedFiles(ROOT, base);
    const touched = touchedBy(changes, sourceTexts(ROOT), Object.keys(QUIRKS));
    const fileOf = new Map(all.map(({ name, file }) => [name, file]));
    left = left.filter((mutant) => isTouched(mutant, touched, (name) => fileOf.get(name) ?? ""));
  }
  return seed === undefined ? left : drawn(left, seed);
}

async function runMutant(
  mutant: Mutant,
  all: readonly DiscoveredScenario[],
  prepared: Prepared,
  directory: RunDirectory,
  keep: Keep,
  signal: AbortSignal,
): Promise<MutantRow[]> {
  const suiteOf = (check: string): string => catalogue().get(check)?.suite ?? "";
  if (!mutant.exists) return judge(mutant, [], suiteOf);
  const { state } = await runScenarios(
    mutant.scenarios.flatMap(({ name, checks }) => {
      const scenario = all.find((one) => one.name === name);
      return scenario === undefined ? [] : [{ scenario, checks }];
    }),
    () => Promise.resolve(prepared),
    directory,
    {
      command: ["mutants", mutant.quirk],
      profile: "strict",
      quirks: [mutant.quirk],
      keep,
      timeoutScale: clock.scale,
      seed: 1,
      jobs: 1,
      order: "given",
      repeat: 1,
      retries: 0,
      flaky: "fail",
      maxFailures: Infinity,
    },
    { signal, onEvent: () => undefined },
  );
  return judge(mutant, resultsOf(state), suiteOf);
}

/** @returns seconds, to be printed */
function since(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}

function resultsOf(state: RunState): CheckResult[] {
  return [...state.scenarios.values()].flatMap((scenario) =>
    [...lastAttempt(scenario).checks.values()].flatMap(({ id, verdict, failure, reason }) =>
      verdict === "waiting" || verdict === "running" || verdict === "known"
        ? []
        : [{ scenario: scenario.name, check: id, verdict, failure, reason }],
    ),
  );
}

function report(
  rows: readonly MutantRow[],
  directory: RunDirectory,
  seconds: string,
  { args, out, signal }: Call,
): ExitCode {
  const bad = rows.filter(isBad);
  if (args.flag("json")) {
    out.data(JSON.stringify(rows, null, 2));
  } else {
    const cells = rows
      .filter(({ judgement }) => judgement !== "ran")
      .map(({ quirk, check, scenario, judgement, detail }) => [
        quirk,
        check,
        scenario,
        judgement,
        printableLine(detail, 100),
      ]);
    out.data(table(["QUIRK", "CHECK", "SCENARIO", "VERDICT", "WHY"], cells));
  }
  const red = rows.filter(({ judgement }) => judgement === "red").length;
  const ran = rows.filter(({ judgement }) => judgement === "ran").length;
  out.say(
    `${red} red as they should be, ${bad.length} bad, ${ran} others still ran (${seconds} s)`,
  );
  out.say(`record: ${directory.shown}`);
  const ending = endingSignal(signal.reason);
  if (ending !== undefined) return SIGNAL_EXIT[ending];
  return bad.length > 0 ? EXIT.failed : EXIT.pass;
}
