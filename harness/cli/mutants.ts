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
import { brokersOwn, judgeWarm, variantsOf } from "../catalogue/warm-mutants.ts";
import { touchedBy } from "../catalogue/touched.ts";
import { ROOT } from "../root.ts";
import { formerDurations } from "../run/history.ts";
import { prepareRun } from "../run/prepare-run.ts";
import type { Prepared } from "../run/prepare-run.ts";
import { runScenarios } from "../run/run.ts";
import type { RunOptions } from "../run/run.ts";
import { toVariant, variantId } from "../run/variants.ts";
import type { Keep } from "../run/run-settings.ts";
import { select } from "../run/selection.ts";
import type { Args, Call } from "./command.ts";
import { PvhError } from "../errors.ts";
import { changedFiles } from "./git-changes.ts";
import { mutantBlocks } from "./mutant-blocks.ts";
import { sourceTexts } from "./source-texts.ts";
import { timeoutScale, wholeNumber } from "./parse-value.ts";
import { usualJobs } from "./usual-jobs.ts";
import { table } from "../../reports/table.ts";

/**
 * `pvh mutants [filter…]`: run each check that claims a quirk under that quirk, where it must turn red
 * for the right reason, and in strict, where it must be green. The appengine of a scenario stays for
 * all of its checks and quirks, as far as pv-xconnect alone deviates.
 *
 * With `--whole-scenarios`, each quirk boots appengines of its own, and every check of the scenarios
 * runs on them and must give a verdict. `--changed` leaves what a diff touches, `--quick` a sample.
 */
export async function mutantsCommand(call: Call): Promise<ExitCode> {
  const { args, out, signal } = call;
  const begun = performance.now();
  clock.scale = timeoutScale(args);
  const all = await discover();
  const selected = select(all, args.words.join(" "));
  const problems = problemsOf(selected.map(({ scenario }) => scenario));
  for (const problem of problems) out.say(`pvh: ${problem}`);
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
  const table: Table = {
    mutants,
    all,
    prepared,
    directory: makeRunDirectory(),
    jobs: wholeNumber(args, "jobs", 1) ?? usualJobs(),
    call,
  };
  const rows = args.flag("wholeScenarios") ? await runWhole(table) : await runWarm(table);
  const exitCode = report(rows, table.directory, since(begun), call);
  return exitCode === EXIT.pass && problems.length > 0 ? EXIT.usage : exitCode;
}

/** Mutants to run, and what they run with. */
interface Table {
  readonly mutants: readonly Mutant[];
  readonly all: readonly DiscoveredScenario[];
  readonly prepared: Prepared;
  readonly directory: RunDirectory;
  readonly jobs: number;
  readonly call: Call;
}

/** One run, in which each scenario has a process and an appengine for all of its mutants. */
async function runWarm(table: Table): Promise<MutantRow[]> {
  const { mutants, all, prepared, directory, jobs, call } = table;
  const { out, signal } = call;
  const switchable = brokersOwn(Object.keys(QUIRKS), sourceTexts(ROOT));
  const selected = all.flatMap((scenario) => {
    const variants = variantsOf(scenario.name, mutants, (quirk) => switchable.includes(quirk));
    if (variants.length === 0) return [];
    const checks = variants.flatMap((variant) => {
      const check = scenario.checks.find(({ id }) => id === variant.check);
      return check === undefined ? [] : [{ ...check, id: variantId(variant) }];
    });
    return [{ scenario: { ...scenario, checks }, checks: checks.map(({ id }) => id) }];
  });
  let finished = 0;
  const { state } = await runScenarios(
    selected,
    () => Promise.resolve(prepared),
    directory,
    {
      ...strictly(["mutants"]),
      ...(call.args.flag("blocks") && { keep: "failed" as const }),
      jobs,
      order: "longest first",
      switchable,
    },
    {
      signal,
      onEvent: (event) => {
        if (event.type !== "scenario.finished") return;
        finished += 1;
        const seconds = (event.ms / 1000).toFixed(1);
        out.say(`${finished} of ${selected.length}  ${event.scenario}  (${seconds} s)`);
      },
    },
  );
  if (call.args.flag("blocks")) for (const line of mutantBlocks(mutants, state)) out.say(line);
  const results = resultsOf(state).map((result) => ({ ...result, ...toVariant(result.check) }));
  const rows = mutants.map((mutant) => judgeWarm(mutant, results, suiteOf));
  for (const [index, mutant] of mutants.entries()) {
    if (rows[index]?.some(isBad) === true) await keepEvidence(mutant, table);
  }
  return rows.flat();
}

/** A run for each mutant, with every check of its scenarios. */
async function runWhole(table: Table): Promise<MutantRow[]> {
  const { mutants, directory, jobs, call } = table;
  const { out, signal } = call;
  const queue = new PQueue({ concurrency: jobs });
  let finished = 0;
  const judgeNext = async (mutant: Mutant): Promise<MutantRow[]> => {
    if (signal.aborted) return [];
    const started = performance.now();
    const rows = await runMutant(
      mutant,
      table,
      makePartDirectory(directory, mutant.quirk),
      "never",
    );
    const isWrong = rows.some(isBad);
    finished += 1;
    const verdict = isWrong ? "BAD" : "ok ";
    out.say(`${verdict}  ${finished} of ${mutants.length}  ${mutant.quirk}  (${since(started)} s)`);
    if (isWrong) await keepEvidence(mutant, table);
    return rows;
  };
  const judged = new Map<Mutant, MutantRow[]>();
  await queue.addAll(
    longestFirst(mutants, await formerDurations()).map((mutant) => async () => {
      judged.set(mutant, await judgeNext(mutant));
    }),
  );
  return mutants.flatMap((mutant) => judged.get(mutant) ?? []);
}

/** Keeping evidence takes time, and a check that is red as it should be needs none. */
async function keepEvidence(mutant: Mutant, table: Table): Promise<void> {
  const { out, signal } = table.call;
  if (!mutant.exists || signal.aborted) return;
  const again = makePartDirectory(table.directory, `${mutant.quirk}.again`);
  await runMutant(mutant, table, again, "always");
  out.say(`     evidence of ${mutant.quirk} alone: ${again.shown}`);
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
  const count = wholeNumber(args, "draw", 1);
  if (count !== undefined && seed === undefined) {
    throw new PvhError("PVH_USAGE", "--draw needs --quick", { hint: "--quick SEED --draw N" });
  }
  return seed === undefined ? left : drawn(left, seed, count);
}

async function runMutant(
  mutant: Mutant,
  { all, prepared, call }: Table,
  directory: RunDirectory,
  keep: Keep,
): Promise<MutantRow[]> {
  if (!mutant.exists) return judge(mutant, [], suiteOf);
  const { state } = await runScenarios(
    mutant.scenarios.flatMap(({ name, checks }) => {
      const scenario = all.find((one) => one.name === name);
      return scenario === undefined ? [] : [{ scenario, checks }];
    }),
    () => Promise.resolve(prepared),
    directory,
    { ...strictly(["mutants", mutant.quirk]), quirks: [mutant.quirk], keep },
    { signal: call.signal, onEvent: () => undefined },
  );
  return judge(mutant, resultsOf(state), suiteOf);
}

function suiteOf(check: string): string {
  return catalogue().get(check)?.suite ?? "";
}

/** Options of a run in the strict profile, without retries and evidence. */
function strictly(command: readonly string[]): RunOptions {
  return {
    command,
    profile: "strict",
    quirks: [],
    keep: "never",
    watch: "off",
    timeoutScale: clock.scale,
    seed: 1,
    jobs: 1,
    order: "given",
    repeat: 1,
    retries: 0,
    flaky: "fail",
    maxFailures: Infinity,
  };
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
  const others = args.flag("wholeScenarios") ? `, ${ran} others still ran` : "";
  out.say(`${red} red as they should be, ${bad.length} bad${others} (${seconds} s)`);
  out.say(`record: ${directory.shown}`);
  const ending = endingSignal(signal.reason);
  if (ending !== undefined) return SIGNAL_EXIT[ending];
  return bad.length > 0 ? EXIT.failed : EXIT.pass;
}
