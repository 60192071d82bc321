import { findEngine } from "./find-engine.ts";
import type { Engine, FindOptions } from "./engine.ts";
import { describeLeft, reap } from "./reaper.ts";
import type { Reaped } from "./reaper.ts";

/** Milliseconds: what is not removed by then waits for the next command. */
const TIMEOUT = 30_000;

/**
 * The engine for a command, freed of what killed runs have left on it: they clean up nothing, so
 * the next pvh does, whatever it is asked for.
 */
export async function findCleanEngine(options: FindOptions): Promise<Engine> {
  const engine = await findEngine(options);
  await removeLeftovers(engine, options);
  return engine;
}

/** Remove what killed runs have left. A failure is reported and does not stop the command. */
export async function removeLeftovers(
  engine: Engine,
  { signal, progress }: FindOptions,
): Promise<Reaped | undefined> {
  const limit = AbortSignal.any([AbortSignal.timeout(TIMEOUT), ...(signal ? [signal] : [])]);
  try {
    const reaped = await reap(engine, { kind: "dead-owners" }, { signal: limit });
    const removed = [...reaped.containers, ...reaped.volumes, ...reaped.loopDevices];
    if (removed.length > 0) progress?.(`removed what a killed pvh left: ${removed.join(", ")}`);
    if (reaped.left.length > 0) {
      progress?.(`left by a killed pvh, and not removed: ${describeLeft(reaped.left)}`);
    }
    return reaped;
  } catch (error) {
    if (signal?.aborted === true) return undefined;
    const why = error instanceof Error ? error.message : String(error);
    progress?.(`what a killed pvh left is not removed: ${why}`);
    return undefined;
  }
}
