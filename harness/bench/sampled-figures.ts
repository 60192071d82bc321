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

/** Figures of an appengine, each with a sample for each round. */
export class SampledFigures<L extends Limits> {
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
