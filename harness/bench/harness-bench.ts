import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { findCleanEngine } from "../engine/leftovers.ts";
import { findProgram } from "../engine/programs.ts";
import { PvhError } from "../errors.ts";
import { resolveImage } from "../image/resolve-image.ts";
import { ROOT } from "../root.ts";
import { FOUR } from "./appengine-bench.ts";
import { secondsToBoot } from "./booted.ts";
import { medianOf } from "./figures.ts";
import { watchSamples } from "./watch-bench.ts";

/** How long a command of pvh takes, beside an idle container that the engine runs and removes. */
export interface HarnessFigure {
  readonly name: string;
  /** Seconds; the median of the rounds. */
  readonly seconds: number;
  /** Seconds in terms of the yardstick of the same run. */
  readonly ratio: number;
  /** The ratio that it is meant to stay under. */
  readonly limit: number;
}

export interface HarnessBench {
  /** Seconds of `docker run --rm` of an idle container; the median of the rounds. */
  readonly yardstick: number;
  readonly figures: readonly HarnessFigure[];
}

export interface HarnessBenchOptions {
  readonly rounds: number;
  /** Measure the matrix and the mutants too, once: they take minutes. */
  readonly full: boolean;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

const SCENARIO = "dbus-roles";
const CPU = `CPU of pvh scenario ${SCENARIO}`;
const UNWATCHED = "CPU of it, no watchers, no timeline";

const LIMITS = {
  "pvh --version": 0.2,
  "pvh ls": 0.35,
  [`pvh scenario ${SCENARIO}`]: 3.5,
  [CPU]: 5,
  [UNWATCHED]: 5,
  "READY, 4 containers": 0.8,
  "pvh watch, scenario changed": 1.5,
  "pvh watch, broker changed": 4,
  "pvh run": 110,
  "pvh mutants": 400,
} as const satisfies Record<string, number>;

/** Share of a limit by which a figure may exceed it, because measurements scatter. */
const TOLERANCE = 0.1;

/**
 * Measure pvh itself. The CPU is that of the whole machine, the engine's and the containers'
 * included: it says nothing on a busy one.
 *
 * @throws PvhError PVH_USAGE without docker's command line, PVH_COMMAND for a command that fails
 */
export async function runHarnessBench(options: HarnessBenchOptions): Promise<HarnessBench> {
  const { rounds, full, signal, progress } = options;
  const docker = findProgram("docker");
  if (docker === undefined) {
    throw new PvhError("PVH_USAGE", "the yardstick needs docker's command line, which is missing");
  }
  const engine = await findCleanEngine(options);
  const { ref } = await resolveImage(engine, undefined, options);
  const folder = await mkdtemp(join(tmpdir(), "pvh-bench-"));
  const environment = { ...process.env, DOCKER_HOST: engine.host };
  const timed = (argv: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<number> =>
    secondsOf(argv, { cwd: folder, env: { ...environment, ...more }, signal });
  const command = join(ROOT, "harness/setup/pvh");
  const pvh = (...words: readonly string[]): Promise<number> => timed([command, ...words]);
  const idle = [docker, "run", "--rm", "--network", "none", "--entrypoint", "true", ref];
  const yardsticks: number[] = [];
  const samples = new Map<string, number[]>();
  const add = (name: string, seconds: number): void => {
    samples.set(name, [...(samples.get(name) ?? []), seconds]);
  };
  try {
    // The first runs make what later ones find; they are not measured.
    await pvh("scenario", SCENARIO);
    await pvh("ls");
    for (let round = 1; round <= rounds; round += 1) {
      progress(`round ${round} of ${rounds}`);
      yardsticks.push(await timed(idle));
      add("pvh --version", await pvh("--version"));
      add("pvh ls", await pvh("ls"));
      const before = await machineSeconds();
      add(`pvh scenario ${SCENARIO}`, await pvh("scenario", SCENARIO));
      const between = await machineSeconds();
      add(CPU, between - before);
      const unwatched = [command, "scenario", SCENARIO, "--watchers", "off"];
      await timed(unwatched, { PVH_TIMELINE: "off" });
      add(UNWATCHED, (await machineSeconds()) - between);
      add("READY, 4 containers", await secondsToBoot(engine, ref, FOUR, signal));
    }
    progress("pvh watch");
    const { scenario, broker } = await watchSamples(rounds, signal);
    for (const seconds of scenario) add("pvh watch, scenario changed", seconds);
    for (const seconds of broker) add("pvh watch, broker changed", seconds);
    for (const word of full ? ["run", "mutants"] : []) {
      progress(`pvh ${word}, once`);
      add(`pvh ${word}`, await pvh(word));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return fold(yardsticks, samples);
}

/** The median of each figure, as a ratio to that of the yardstick. */
export function fold(
  yardsticks: readonly number[],
  samples: ReadonlyMap<string, readonly number[]>,
): HarnessBench {
  const yardstick = medianOf(yardsticks) ?? Number.NaN;
  const figures = Object.entries(LIMITS).flatMap(([name, limit]): HarnessFigure[] => {
    const seconds = medianOf(samples.get(name) ?? []);
    return seconds === undefined ? [] : [{ name, seconds, ratio: seconds / yardstick, limit }];
  });
  return { yardstick, figures };
}

export function isMissed({ ratio, limit }: HarnessFigure): boolean {
  // A ratio that is no number has not been measured.
  return !(ratio <= limit * (1 + TOLERANCE));
}

async function secondsOf(
  [program = "", ...args]: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: NodeJS.ProcessEnv;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  const begun = performance.now();
  const child = spawn(program, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
  const [said, [code]] = await Promise.all([
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  const seconds = (performance.now() - begun) / 1000;
  if (code === 0) return seconds;
  throw new PvhError(
    "PVH_COMMAND",
    `${[program, ...args].join(" ")}: exit ${code ?? "by a signal"}\n${said.trim().slice(-1000)}`,
  );
}

/** Hundredths of a second, in which /proc/stat counts (sysconf(_SC_CLK_TCK)). */
const TICK = 100;

/** CPU seconds that the machine has spent since it began, in whatever process. */
async function machineSeconds(): Promise<number> {
  return busySeconds(await readFile("/proc/stat", "utf8"));
}

/** @param stat text of /proc/stat (proc(5)) */
export function busySeconds(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
    /^cpu +(.*)$/m.exec(stat)?.[1]?.split(" ").map(Number) ?? [];
  return (user + nice + system + irq + softirq) / TICK;
}
