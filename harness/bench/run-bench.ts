import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ANCHORS } from "./anchors.ts";
import type { Anchor } from "./anchors.ts";
import { FIGURES, SUITES, foldSamples } from "./figures.ts";
import type { Sample, Suite } from "./figures.ts";
import { measure } from "./measure.ts";
import type { Target } from "./measure.ts";
import { needRoot } from "../need-root.ts";
import { openTestbed } from "./testbed.ts";
import type { Testbed } from "./testbed.ts";

export interface BenchOptions {
  readonly rounds: number;
  /** Duration of one load in milliseconds. */
  readonly duration: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** One relay in one suite, over all rounds. */
export interface Row {
  readonly suite: Suite;
  readonly relay: string;
  /** By figure: the median of all rounds (a sum where the figure says so). */
  readonly values: Sample;
  readonly samples: readonly Sample[];
}

export interface BenchResult {
  readonly rows: readonly Row[];
  /** Relays and suites that this machine lacks a program for. */
  readonly notInstalled: readonly string[];
}

/**
 * Measure every relay that is installed, one after the other in every round, so that a machine
 * that gets slower or faster meanwhile does so for all of them.
 * @throws PvhError PVH_CAPABILITY without root or a C compiler
 */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  needRoot("pvh bench", "the broker and its peers get mount namespaces of their own", "pvh bench");
  await using stack = new AsyncDisposableStack();
  const { rounds, signal, progress } = options;
  progress("starting the providers, the broker and its anchors");
  const bed = await openTestbed(stack, signal);
  const targets = new Map(
    await Promise.all(
      bed.suites.map(async (suite) => [suite, await relaysOf(suite, bed)] as const),
    ),
  );
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < rounds; round += 1) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const [suite, relays] of targets) {
      for (const target of rotated(relays, round)) {
        const key = `${suite} ${target.name}`;
        const sample = await measure(suite, target, { ...options, programs: bed.programs });
        samples.set(key, [...(samples.get(key) ?? []), sample]);
      }
    }
  }
  const rows = [...targets].flatMap(([suite, relays]) =>
    relays.map(({ name }) => rowOf(suite, name, samples.get(`${suite} ${name}`) ?? [])),
  );
  return { rows, notInstalled: missing(bed) };
}

/** The direct connection first, then the broker, then the anchors that are here. */
async function relaysOf(suite: Suite, bed: Testbed): Promise<Target[]> {
  const provider = bed.provider(suite);
  const own: Target[] = [
    { name: "direct", path: provider, provider },
    { name: "broker", path: bed.planted(suite), provider, pid: bed.broker.pid },
  ];
  const anchors = ANCHORS.filter((anchor) => anchor.suite === suite).map((anchor) =>
    startAnchor(anchor, bed),
  );
  return [...own, ...(await Promise.all(anchors)).filter((target) => target !== undefined)];
}

async function startAnchor(anchor: Anchor, bed: Testbed): Promise<Target | undefined> {
  const { name, suite, find, args } = anchor;
  const program = find(bed.programs);
  if (program === undefined) return undefined;
  const folder = join(bed.folder, `${suite}-${name.replaceAll(" ", "-")}`);
  mkdirSync(folder);
  const path = join(folder, "listen.sock");
  const provider = bed.provider(suite);
  const ends = { listen: path, provider, folder };
  const started = await bed.start(`${suite} ${name}`, [program, ...args(ends)]);
  await bed.appeared(path, started);
  return { name, path, provider, pid: started.pid };
}

function rowOf(suite: Suite, relay: string, samples: readonly Sample[]): Row {
  const values = FIGURES.filter((figure) => figure.suite === suite).flatMap((figure) => {
    const value = foldSamples(figure, samples);
    return value === undefined ? [] : [[figure.name, value] as const];
  });
  return { suite, relay, values: Object.fromEntries(values), samples };
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function missing(bed: Testbed): string[] {
  const anchors = ANCHORS.filter(({ find }) => find(bed.programs) === undefined).map(
    ({ name }) => name,
  );
  const suites = SUITES.filter((suite) => !bed.suites.includes(suite));
  return [...anchors, ...suites.map((suite) => `what the suite ${suite} needs`)];
}
