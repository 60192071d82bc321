import type { Appengine } from "../appengine/appengine.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import type { Wanted } from "../exports/examples.ts";
import { resolveImage } from "../image/resolve-image.ts";
import { booted } from "./booted.ts";
import { medianOf } from "./figures.ts";

export interface SampledFigure {
  readonly name: string;
  readonly unit: Unit;
  /** Upper limit that the reference is meant to stay under. */
  readonly limit: number;
  /** Samples, one per round. */
  readonly samples: readonly number[];
  readonly median: number;
}

export interface SampledOptions {
  readonly rounds: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

type Unit = "s" | "ms" | "µs" | "x" | "MiB" | "fds";
/** Unit and limit of each figure. */
export type Limits = Readonly<Record<string, readonly [Unit, number]>>;

/**
 * Boot the reference with these containers and use it.
 * @param until `containers` where one of them ends, and so does not stay at its goal
 */
export type Boot = (
  containers: readonly Wanted[],
  until: "ready" | "containers",
  use: (appengine: Appengine, ready: number) => void | Promise<void>,
) => Promise<void>;

/** Take samples of the reference appengine, in rounds that each add one of every figure. */
export async function sampled<L extends Limits>(
  limits: L,
  options: SampledOptions,
  round: (figures: SampledFigures<L>, boot: Boot) => Promise<void>,
): Promise<SampledFigure[]> {
  const { rounds, signal, progress } = options;
  const engine = await findCleanEngine(options);
  const { ref } = await resolveImage(engine, undefined, options);
  const figures = new SampledFigures(limits);
  const boot: Boot = (containers, until, use) =>
    booted(engine, ref, containers, { signal, until }, use);
  for (let count = 1; count <= rounds; count += 1) {
    progress(`round ${count} of ${rounds}`);
    await round(figures, boot);
  }
  return figures.all();
}

/** Figures of an appengine, each with a sample for each round. */
class SampledFigures<L extends Limits> {
  readonly #limits: L;
  readonly #samples = new Map<keyof L & string, number[]>();

  constructor(limits: L) {
    this.#limits = limits;
  }

  add(name: keyof L & string, value: number): void {
    this.#samples.set(name, [...(this.#samples.get(name) ?? []), value]);
  }

  all(): SampledFigure[] {
    return [...this.#samples].map(([name, samples]) => {
      const [unit, limit] = this.#limits[name] ?? ["s", 0];
      return { name, unit, limit, samples, median: medianOf(samples) ?? 0 };
    });
  }
}
