import type { ContainerPlan, ContainerState } from "./container-state.ts";
import type { RevisionPlan, RevisionState } from "./revision.ts";

/**
 * The trial of a new revision as a pure state machine (docs/pantavisor.md §5.4):
 *
 *   starting ─READY→ testing ─delay over→ passed, or holding until every container is stable
 *   any ─a container fails, or a goal is missed→ failed
 *
 * While a container recovers the revision is not READY: the trial goes on, and passes no earlier
 * than the container is back.
 */
export interface TrialState {
  readonly phase: "starting" | "testing" | "holding" | "passed" | "failed";
  readonly delayOver: boolean;
  /** Reason of the failure. */
  readonly reason?: string;
}

/** The revision has taken a step, or the commit delay is over. */
export type TrialEvent = "step" | "delay-over";

export interface TrialStep {
  readonly trial: TrialState;
  /** True when the commit delay begins now. */
  readonly armDelay: boolean;
}

export const newTrial: TrialState = { phase: "starting", delayOver: false };

export function isOver({ phase }: TrialState): boolean {
  return phase === "passed" || phase === "failed";
}

export function stepTrial(
  before: TrialState,
  event: TrialEvent,
  plan: RevisionPlan,
  state: RevisionState,
): TrialStep {
  if (isOver(before)) return { trial: before, armDelay: false };
  const trial = event === "delay-over" ? { ...before, delayOver: true } : before;
  const reason = failure(plan, state);
  if (reason !== undefined) {
    return { trial: { ...trial, phase: "failed", reason }, armDelay: false };
  }
  if (state.status !== "READY") return { trial, armDelay: false };
  if (!trial.delayOver) {
    return { trial: { ...trial, phase: "testing" }, armDelay: trial.phase === "starting" };
  }
  return {
    trial: { ...trial, phase: isStable(plan, state) ? "passed" : "holding" },
    armDelay: false,
  };
}

function failure(plan: RevisionPlan, state: RevisionState): string | undefined {
  for (const container of plan.containers) {
    const now = state.containers.get(container.name);
    if (now === undefined) continue;
    if (hasFailed(now)) return `A container could not be started: ${container.name}`;
    if (state.timedOut.has(container.group) && !hasHadGoal(now)) {
      return `Status goal not reached: ${container.name} is ${now.status}, not ${container.statusGoal}`;
    }
  }
  return state.outcome === undefined ? undefined : `${state.outcome} before it was stable`;
}

/**
 * True when the container is down for good, or until a backoff pause ends (its retries are used
 * up).
 */
function hasFailed({ status, crashed, retries }: ContainerState): boolean {
  return crashed && (status === "STOPPED" || (status === "RECOVERING" && retries === 0));
}

function hasHadGoal({ goalReached, userStopped }: ContainerState): boolean {
  return goalReached || userStopped;
}

function isStable(plan: RevisionPlan, state: RevisionState): boolean {
  return plan.containers.every((container) => {
    const now = state.containers.get(container.name);
    return now === undefined || !mustBecomeStable(container, now) || now.stable;
  });
}

/**
 * False for a container that is stopped or only mounted: it has no process that may be unstable.
 */
function mustBecomeStable(
  { recovery, statusGoal }: ContainerPlan,
  { status }: ContainerState,
): boolean {
  const runs = statusGoal !== "MOUNTED" && status !== "STOPPED";
  return runs && (recovery?.stable_timeout ?? 0) > 0;
}
