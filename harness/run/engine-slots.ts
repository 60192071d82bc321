import type { EngineFacts } from "../engine/engine.ts";

/** Environment variable by which the process of a scenario knows its engine, of several. */
const VARIABLE = "PVH_ENGINE";

/**
 * The engines of a run, and how many scenarios each of them has: the next one goes to the engine that has
 * fewest. vitest's queue says when it may begin.
 */
export class EngineSlots {
  readonly #engines: readonly EngineFacts[];
  readonly #busy = new Map<string, number>();

  /** @param engines none or one: each scenario uses the run's */
  constructor(engines: readonly EngineFacts[]) {
    this.#engines = engines;
  }

  /** @returns undefined when there is no choice */
  take(): EngineFacts | undefined {
    if (this.#engines.length < 2) return undefined;
    const [least] = [...this.#engines].sort((a, b) => this.#of(a) - this.#of(b));
    if (least !== undefined) this.#busy.set(least.host, this.#of(least) + 1);
    return least;
  }

  release(engine: EngineFacts | undefined): void {
    if (engine !== undefined) this.#busy.set(engine.host, this.#of(engine) - 1);
  }

  #of({ host }: EngineFacts): number {
    return this.#busy.get(host) ?? 0;
  }
}

/** Environment of a process that is to use this engine. */
export function engineEnvironment(engine: EngineFacts | undefined): Record<string, string> {
  if (engine === undefined) return {};
  return { [VARIABLE]: JSON.stringify(engine), DOCKER_HOST: engine.host };
}

/** The engine of this process; undefined where it has that of the run. */
export function ownEngine(): EngineFacts | undefined {
  const text = process.env[VARIABLE] ?? "";
  return text === "" ? undefined : (JSON.parse(text) as EngineFacts);
}
