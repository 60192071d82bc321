import type { ContainerStatus } from "../formats/control.ts";
import type { Quirks } from "../quirks/quirks.ts";
import type { ContainerPlan, ContainerState } from "./container-state.ts";

/** Status of a group or revision: READY, or the status of the member that holds it back most. */
export type OverallStatus = ContainerStatus;

/** From worst to best; a member that is at its goal counts as READY. */
const ORDER: readonly OverallStatus[] = [
  "STOPPED",
  "STOPPING",
  "RECOVERING",
  "NONE",
  "INSTALLED",
  "BLOCKED",
  "MOUNTED",
  "STARTING",
  "STARTED",
  "READY",
];

/** The worst of several; READY for none. */
export function worstStatus(statuses: Iterable<OverallStatus>): OverallStatus {
  let worst: OverallStatus = "READY";
  for (const status of statuses) {
    if (ORDER.indexOf(status) < ORDER.indexOf(worst)) worst = status;
  }
  return worst;
}

/**
 * What one container contributes. Down by request, or ended in a way that its policy does not call
 * failure, holds nothing back; down by a crash does (docs/pantavisor.md §4.3 for what the real one
 * does: there such a container counts as READY).
 */
export function contribution(
  plan: ContainerPlan,
  state: ContainerState,
  quirks: Quirks,
): OverallStatus {
  if (state.status === plan.statusGoal) return "READY";
  const down =
    state.status === "STOPPED" || state.status === "STOPPING" || state.status === "RECOVERING";
  if (!down) return state.status;
  const restarting = state.status === "STOPPING" && state.next === "restart";
  const counts = state.crashed || restarting;
  return counts && !quirks.has("ready-sticky") ? state.status : "READY";
}
