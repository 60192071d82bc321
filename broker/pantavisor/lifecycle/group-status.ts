import type { ContainerStatus } from "../../shared/formats/control.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { ContainerPlan, ContainerState } from "./container-state.ts";

/**
 * Status of a group or revision: READY, or the worst status of a member that is not at its goal.
 */
export type OverallStatus = ContainerStatus;

/** Statuses from worst to best; a member at its goal counts as READY. */
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
 * The status that one container contributes to its group's. A container counts as READY when it is
 * down by request, or has ended in a way that its policy does not call a failure; one that is down
 * by a crash contributes its own status. 029-32 counts that one as READY too
 * (docs/pantavisor.md §4.3).
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
