import { setImmediate as turn } from "node:timers/promises";
import { PvhError } from "../errors.ts";

/**
 * Modules that every command with an engine needs, the heavy ones each in a step of its own. A
 * signal is handled between two steps only, and on a busy machine one step can take seconds.
 */
const STEPS: readonly (() => Promise<unknown>)[] = [
  () => import("../lean-zod.ts"),
  () => import("../engine/engine-client.ts"),
  () => import("../catalogue/catalogue.ts"),
  () => import("../run/prepare-run.ts"),
  () => import("../run/run.ts"),
];

/**
 * Import a module that imports nearly all others.
 * @throws PvhError PVH_ABORTED
 */
export async function inSteps<T>(signal: AbortSignal, last: () => Promise<T>): Promise<T> {
  for (const step of STEPS) {
    await step();
    await turn();
    if (signal.aborted) throw new PvhError("PVH_ABORTED", "cancelled before anything began");
  }
  return last();
}
