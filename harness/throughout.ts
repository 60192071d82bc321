import { setTimeout as delay } from "node:timers/promises";
import { PvhError } from "./errors.ts";

/**
 * Watch that something holds for a time: `look` is called again and again, and the first thing
 * it throws ends the watch. The counterpart of until(), for what must not happen.
 *
 * @param duration milliseconds
 */
export async function throughout(
  duration: number,
  look: () => void | Promise<void>,
  { signal, every = 50 }: { readonly signal: AbortSignal; readonly every?: number },
): Promise<void> {
  const end = performance.now() + duration;
  while (performance.now() < end) {
    if (signal.aborted) {
      throw new PvhError("PVH_ABORTED", "cancelled during a watch", { cause: signal.reason });
    }
    await look();
    await delay(every, undefined, { signal }).catch(() => undefined);
  }
  await look();
}
