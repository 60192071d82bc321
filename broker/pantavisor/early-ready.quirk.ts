import type { Clock } from "./lifecycle/clock.ts";
import { logEffect } from "./lifecycle/log-effect.ts";
import type { RevisionPlan } from "./lifecycle/revision.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";

/** Milliseconds that READY is ahead of the containers. */
const AHEAD = 2000;

/** Say that a revision is READY before its containers begin. */
export function announceReady(
  { revision }: RevisionPlan,
  { log, realClock }: { readonly log: PantavisorLog; readonly realClock: Clock },
  report: (status: "READY") => void,
  begin: () => void,
): void {
  const line = `state revision '${revision}' status is now READY`;
  log.effect(logEffect("INFO", "state", "pv_state_set_status:556", line));
  report("READY");
  realClock.after(AHEAD, begin);
}
