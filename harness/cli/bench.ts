import { cpus, loadavg, release } from "node:os";
import { runAppengineBench } from "../bench/appengine-bench.ts";
import { isMissed, runHarnessBench } from "../bench/harness-bench.ts";
import { printBench, printVerdicts } from "../bench/print-bench.ts";
import { runBench } from "../bench/run-bench.ts";
import type { SampledFigure, SampledOptions } from "../bench/sampled-figures.ts";
import { soak } from "../bench/soak.ts";
import { runWasmBench } from "../bench/wasm-bench.ts";
import { judgeRows } from "../bench/thresholds.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Call } from "./command.ts";
import { wholeNumber } from "./parse-value.ts";
import { table } from "../../reports/table.ts";

const FULL = { rounds: 7, duration: 500 };
const QUICK = { rounds: 3, duration: 150 };

/**
 * `pvh bench`: measures the broker beside the relays that users would take instead. It fails
 * nothing unless `--check` asks whether the broker is as fast as it is meant to be.
 */
export async function benchCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const times = wholeNumber(args, "soak", 1);
  if (times !== undefined) return await soak(times, signal);
  if (args.flag("appengine")) return await benchSampled(runAppengineBench, { args, out, signal });
  if (args.flag("wasm")) return await benchSampled(runWasmBench, { args, out, signal });
  if (args.flag("harness")) return await benchHarness({ args, out, signal });
  const { rounds, duration } = args.flag("quick") ? QUICK : FULL;
  const settings = { rounds: wholeNumber(args, "rounds", 1) ?? rounds, duration };
  const result = await runBench({ ...settings, signal, progress: (line) => out.say(line) });
  const verdicts = args.flag("check") ? judgeRows(result.rows) : [];
  if (args.flag("json")) {
    const machine = { cpus: cpus().length, model: cpus()[0]?.model, kernel: release() };
    const document = { machine, node: process.version, ...settings, ...result, verdicts };
    out.data(JSON.stringify(document, undefined, 2));
  } else {
    out.data(printBench(result));
    if (verdicts.length > 0) out.data(`\n${printVerdicts(verdicts)}`);
  }
  if (verdicts.some(({ verdict }) => verdict === "missed")) return EXIT.failed;
  // A figure that could not be compared must not count as a pass.
  return verdicts.some(({ verdict }) => verdict === "not measured") ? EXIT.infra : EXIT.pass;
}

/** Prints the load average too, because figures from a busy machine say little. */
async function benchSampled(
  run: (options: SampledOptions) => Promise<SampledFigure[]>,
  { args, out, signal }: Call,
): Promise<ExitCode> {
  const rounds = wholeNumber(args, "rounds", 1) ?? (args.flag("quick") ? 1 : 5);
  const figures = await run({ rounds, signal, progress: (line) => out.say(line) });
  const [load = 0] = loadavg();
  if (args.flag("json")) {
    out.data(JSON.stringify({ cpus: cpus().length, load, rounds, figures }, undefined, 2));
  } else {
    const shown = (value: number): string => value.toFixed(2);
    const rows = figures.map(({ name, unit, limit, samples, median }) => [
      name,
      `${shown(median)} ${unit}`,
      `${shown(Math.min(...samples))} to ${shown(Math.max(...samples))}`,
      `${limit} ${unit}`,
    ]);
    out.data(table(["FIGURE", "MEDIAN", "ALL", "LIMIT"], rows));
    out.say(`${cpus().length} CPUs, load average ${shown(load)} at the end`);
  }
  const missed = figures.some(({ median, limit }) => median > limit);
  return args.flag("check") && missed ? EXIT.failed : EXIT.pass;
}

/** Ratios to what the engine takes for an idle container, so that machines can be compared. */
async function benchHarness({ args, out, signal }: Call): Promise<ExitCode> {
  const rounds = wholeNumber(args, "rounds", 1) ?? (args.flag("quick") ? 1 : 5);
  const full = args.flag("full");
  const progress = (line: string): void => out.say(line);
  const { yardstick, figures } = await runHarnessBench({ rounds, full, signal, progress });
  const [load = 0] = loadavg();
  if (args.flag("json")) {
    const machine = { cpus: cpus().length, load, rounds };
    out.data(JSON.stringify({ ...machine, yardstick, figures }, undefined, 2));
  } else {
    const rows = figures.map((figure) => [
      figure.name,
      `${figure.seconds.toFixed(2)} s`,
      `${figure.ratio.toFixed(2)} x`,
      `${figure.limit} x`,
      isMissed(figure) ? "missed" : "met",
    ]);
    out.data(table(["FIGURE", "MEDIAN", "RATIO", "LIMIT", ""], rows));
    const idle = `docker run --rm of an idle container: ${yardstick.toFixed(2)} s`;
    out.say(`${idle}; ${cpus().length} CPUs, load average ${load.toFixed(2)} at the end`);
  }
  return args.flag("check") && figures.some(isMissed) ? EXIT.failed : EXIT.pass;
}
