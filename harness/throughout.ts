import { setTimeout as delay } from "node:timers/promises";
import { clock } from "./clock/clock.ts";
import { Deadline } from "./clock/deadline.ts";
import { PvhError } from "./errors.ts";

/**
 * Watch that something holds for a time: `look` is called again and again, and the first thing
 * it throws ends the watch. The counterpart of until(), for what must not happen.
 *
 * @param duration milliseconds that the machine gives: on a busy one the watch is longer, as what
 *        it watches for comes later; so is that of a target that does not divide its waits
 */
export async function throughout(
  duration: number,
  look: () => void | Promise<void>,
  { signal, every = 50 }: { readonly signal: AbortSignal; readonly every?: number },
): Promise<void> {
  using end = new Deadline(clock.stopwatch(), duration * clock.division);
  while (!end.over) {
    if (signal.aborted) {
      throw new PvhError("PVH_ABORTED", "cancelled during a watch", { cause: signal.reason });
    }
    await look();
    await delay(every, undefined, { signal }).catch(() => undefined);
  }
  await look();
}
