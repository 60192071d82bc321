import type { ContainerStatus } from "../../shared/formats/control.ts";
import type { AutoRecovery } from "../../shared/formats/run-manifest.ts";
import type { LogEffect } from "./log-effect.ts";

/** Plan, state, events and effects of the state machine of a container (container.ts), as data. */
export interface ContainerPlan {
  readonly name: string;
  readonly group: string;
  readonly statusGoal: "MOUNTED" | "STARTED" | "READY";
  readonly restartPolicy: "system" | "container";
  /** Recovery block of the container or else of its group; undefined when neither has one. */
  readonly recovery: AutoRecovery | undefined;
}

export interface ContainerState {
  readonly status: ContainerStatus;
  /** True while a launch is under way; `started`, `mounted` (goal MOUNTED) or `ended` ends it. */
  readonly launching: boolean;
  /** True when the user asked for a stop and has not asked for a start since. */
  readonly userStopped: boolean;
  /** True when the container is down because of a failure, not by request. */
  readonly crashed: boolean;
  readonly retries: number;
  readonly stable: boolean;
  /** True when it has been at its status goal at least once since the revision began. */
  readonly goalReached: boolean;
  /** True when its ready signal came before we had seen that its init runs. */
  readonly readyEarly: boolean;
  /** Clock time of the last start: that of its init if it was seen to run, else of the launch. */
  readonly lastStart: number;
  /** Reason for which it could last not be started; undefined since it could. */
  readonly failure: string | undefined;
  /** True from the moment that a stop needs force until it is down. */
  readonly forced: boolean;
  /** Step that follows STOPPING. */
  readonly next: "user-stop" | "restart" | "teardown";
}

export const installed: ContainerState = {
  status: "INSTALLED",
  launching: false,
  userStopped: false,
  crashed: false,
  retries: 0,
  stable: false,
  goalReached: false,
  readyEarly: false,
  lastStart: 0,
  failure: undefined,
  forced: false,
  next: "teardown",
};

export type ContainerEvent =
  | { readonly type: "block" }
  | { readonly type: "launch" }
  /** Volumes are mounted. */
  | { readonly type: "mounted" }
  | { readonly type: "starting" }
  /** Its init runs. */
  | { readonly type: "started" }
  /** Its init has ended, or could not be started (`reason`). */
  | { readonly type: "ended"; readonly exitCode: number | null; readonly reason?: string }
  | { readonly type: "ready-signal" }
  | { readonly type: "stop" | "start" | "restart" }
  | { readonly type: "teardown" }
  | { readonly type: "timer"; readonly timer: TimerName };

export type TimerName = "recovery" | "stable" | "grace";

export type ContainerEffect =
  | LogEffect
  /** Mount its volumes, and start it unless its goal is MOUNTED. */
  | { readonly type: "launch" }
  /** Ask init to end; `kill` ends it. Both are followed by `ended`. */
  | { readonly type: "halt" | "kill" }
  /** Unmount its volumes. */
  | { readonly type: "release" }
  | { readonly type: "arm"; readonly timer: TimerName; readonly milliseconds: number }
  | { readonly type: "disarm"; readonly timer: TimerName }
  | { readonly type: "reboot" };

/** Time that a container has between the halt signal and the kill. */
export const GRACE_MILLISECONDS = 5000;

export const RUNNING: readonly ContainerStatus[] = ["STARTING", "STARTED", "READY"];

/** True when a process of the container may still run. */
export function isUp(state: ContainerState): boolean {
  return state.launching || state.status === "STOPPING" || RUNNING.includes(state.status);
}

export interface Step {
  readonly state: ContainerState;
  readonly effects: readonly ContainerEffect[];
}

/** The step that leads to `state` with these effects. */
export function to(state: ContainerState, ...effects: ContainerEffect[]): Step {
  return { state, effects };
}
