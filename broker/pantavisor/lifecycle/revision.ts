import type { Quirks } from "../../shared/quirks/quirks.ts";
import type {
  ContainerEffect,
  ContainerEvent,
  ContainerPlan,
  ContainerState,
} from "./container-state.ts";
import { installed, isUp } from "./container-state.ts";
import { stepContainer } from "./container.ts";
import type { OverallStatus } from "./group-status.ts";
import { contribution, worstStatus } from "./group-status.ts";
import type { LogEffect } from "./log-effect.ts";
import { logEffect } from "./log-effect.ts";

/**
 * The life of a revision as a pure state machine: groups start in order, each waiting for the one
 * before to reach its goal or to time out (docs/pantavisor.md §4.4); the status of the whole
 * follows from its containers; an end (reboot, poweroff) first stops them all.
 */
export interface RevisionPlan {
  readonly revision: string;
  readonly groups: readonly GroupPlan[];
  /** Containers in state order. */
  readonly containers: readonly ContainerPlan[];
}

export interface GroupPlan {
  readonly name: string;
  readonly timeoutSeconds: number;
}

export interface RevisionState {
  readonly containers: ReadonlyMap<string, ContainerState>;
  /** Number of groups, from the first, whose containers may run. */
  readonly openGroups: number;
  readonly timedOut: ReadonlySet<string>;
  readonly groupStatus: ReadonlyMap<string, OverallStatus>;
  readonly status: OverallStatus;
  /** Reason of the shutdown, set once the revision is being torn down. */
  readonly outcome: Outcome | undefined;
  readonly finished: boolean;
}

/** Result that pantavisor reports to pv-appengine by its exit code. */
export type Outcome = "reboot" | "poweroff";

export type RevisionEvent =
  | { readonly type: "begin" }
  | { readonly type: "container"; readonly name: string; readonly event: ContainerEvent }
  | { readonly type: "group-timeout"; readonly group: string }
  | { readonly type: "shutdown"; readonly outcome: Outcome };

export type RevisionEffect =
  | LogEffect
  | {
      readonly type: "container";
      readonly name: string;
      readonly effect: Exclude<ContainerEffect, LogEffect | { type: "reboot" }>;
    }
  | { readonly type: "arm-group"; readonly group: string; readonly milliseconds: number }
  | { readonly type: "status"; readonly status: OverallStatus }
  /** No container runs any more: pantavisor exits. */
  | { readonly type: "exit"; readonly outcome: Outcome };

export interface RevisionStep {
  readonly state: RevisionState;
  readonly effects: readonly RevisionEffect[];
}

/** The state before `begin`: all containers are INSTALLED and nothing has been logged. */
export function initialRevision(plan: RevisionPlan): RevisionState {
  return {
    containers: new Map(plan.containers.map(({ name }) => [name, installed])),
    openGroups: 0,
    timedOut: new Set(),
    groupStatus: new Map(),
    status: "NONE",
    outcome: undefined,
    finished: false,
  };
}

export function stepRevision(
  plan: RevisionPlan,
  before: RevisionState,
  event: RevisionEvent,
  now: number,
  quirks: Quirks,
): RevisionStep {
  if (before.finished) return { state: before, effects: [] };
  const work = new Work(plan, before, now, quirks);
  switch (event.type) {
    case "begin":
      work.settle();
      for (const { name } of plan.containers) work.tell(name, { type: "block" });
      break;
    case "container":
      if (before.outcome === undefined || !isRequest(event.event)) {
        work.tell(event.name, event.event);
      }
      break;
    case "group-timeout":
      work.timeOut(event.group);
      break;
    case "shutdown":
      work.shutDown(event.outcome);
  }
  work.settle();
  return work.result();
}

/** True for the user's requests, which are ignored during a shutdown. */
function isRequest({ type }: ContainerEvent): boolean {
  return type === "start" || type === "restart" || type === "stop";
}

/** One step under construction; lives only inside stepRevision. */
class Work {
  readonly #plan: RevisionPlan;
  readonly #before: RevisionState;
  readonly #now: number;
  readonly #quirks: Quirks;
  readonly #containers: Map<string, ContainerState>;
  readonly #effects: RevisionEffect[] = [];
  #openGroups: number;
  #timedOut: ReadonlySet<string>;
  #outcome: Outcome | undefined;

  constructor(plan: RevisionPlan, before: RevisionState, now: number, quirks: Quirks) {
    this.#plan = plan;
    this.#before = before;
    this.#now = now;
    this.#quirks = quirks;
    this.#containers = new Map(before.containers);
    this.#openGroups = before.openGroups;
    this.#timedOut = before.timedOut;
    this.#outcome = before.outcome;
  }

  tell(name: string, event: ContainerEvent): void {
    const plan = this.#plan.containers.find((container) => container.name === name);
    const state = this.#containers.get(name);
    if (plan === undefined || state === undefined) return;
    const step = stepContainer(plan, state, event, this.#now, this.#quirks);
    this.#containers.set(name, step.state);
    for (const effect of step.effects) {
      if (effect.type === "log") this.#effects.push(effect);
      else if (effect.type !== "reboot") this.#effects.push({ type: "container", name, effect });
    }
    if (step.effects.some(({ type }) => type === "reboot")) this.tearDown(name);
  }

  timeOut(group: string): void {
    this.#timedOut = new Set([...this.#timedOut, group]);
  }

  shutDown(outcome: Outcome): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    const line = `preparing '${outcome}'...`;
    this.#effects.push(logEffect("INFO", "controller", "pv_shutdown:791", line));
    for (const { name } of this.#plan.containers) this.tell(name, { type: "teardown" });
  }

  tearDown(name: string): void {
    const line = `platform '${name}' did not work as expected. Tearing down...`;
    this.#effects.push(logEffect("ERROR", "controller", "_pv_wait:502", line));
    this.shutDown("reboot");
  }

  /** Launch containers that may run and open the next groups, until nothing more follows. */
  settle(): void {
    while (this.#outcome === undefined && (this.#launchWaiting() || this.#openNextGroup()));
    if (this.#outcome !== undefined && this.#isDown()) {
      this.#effects.push({ type: "exit", outcome: this.#outcome });
    }
  }

  result(): RevisionStep {
    // A shutdown stops all containers; their statuses then say nothing about the revision.
    if (this.#outcome !== undefined)
      return this.#step(this.#before.groupStatus, this.#before.status);
    const groupStatus = new Map<string, OverallStatus>();
    for (const { name } of this.#plan.groups) {
      const status = this.#groupStatus(name);
      groupStatus.set(name, status);
      const changed = this.#before.groupStatus.get(name) !== status;
      // Do not log empty groups: they are READY from the start.
      if (changed && this.#members(name).length > 0) {
        const line = `group '${name}' status is now ${status}`;
        this.#effects.push(logEffect("INFO", "group", "pv_group_set_status:92", line));
      }
    }
    const status = this.#revisionStatus(groupStatus.values());
    if (status !== this.#before.status) {
      const line = `state revision '${this.#plan.revision}' status is now ${status}`;
      this.#effects.push(logEffect("INFO", "state", "pv_state_set_status:556", line), {
        type: "status",
        status,
      });
    }
    return this.#step(groupStatus, status);
  }

  #step(groupStatus: RevisionState["groupStatus"], status: OverallStatus): RevisionStep {
    return {
      state: {
        containers: this.#containers,
        openGroups: this.#openGroups,
        timedOut: this.#timedOut,
        groupStatus,
        status,
        outcome: this.#outcome,
        finished: this.#outcome !== undefined && this.#isDown(),
      },
      effects: this.#effects,
    };
  }

  #revisionStatus(groups: Iterable<OverallStatus>): OverallStatus {
    const status = worstStatus(groups);
    return status === "READY" && this.#quirks.has("never-ready") ? "STARTED" : status;
  }

  #groupStatus(group: string): OverallStatus {
    return worstStatus(
      this.#members(group).map((plan) => contribution(plan, this.#stateOf(plan), this.#quirks)),
    );
  }

  #launchWaiting(): boolean {
    const open = new Set(this.#plan.groups.slice(0, this.#openGroups).map(({ name }) => name));
    const waiting = this.#plan.containers.filter((plan) => {
      const { status, launching } = this.#stateOf(plan);
      return open.has(plan.group) && !launching && (status === "INSTALLED" || status === "BLOCKED");
    });
    for (const { name } of waiting) this.tell(name, { type: "launch" });
    return waiting.length > 0;
  }

  #openNextGroup(): boolean {
    const next = this.#plan.groups[this.#openGroups];
    if (next === undefined) return false;
    const current = this.#plan.groups[this.#openGroups - 1];
    const waits = current !== undefined && !this.#isSettled(current.name);
    if (waits && !this.#quirks.has("groups-parallel")) return false;
    this.#openGroups += 1;
    if (this.#members(next.name).length > 0) {
      const milliseconds = next.timeoutSeconds * 1000;
      this.#effects.push({ type: "arm-group", group: next.name, milliseconds });
    }
    return true;
  }

  /** True when each member has been at its goal, was stopped by the user, or has timed out. */
  #isSettled(group: string): boolean {
    if (this.#timedOut.has(group)) return true;
    return this.#members(group).every((plan) => {
      const state = this.#stateOf(plan);
      return state.goalReached || (state.status === "STOPPED" && !state.crashed);
    });
  }

  #isDown(): boolean {
    return [...this.#containers.values()].every((state) => !isUp(state));
  }

  #members(group: string): readonly ContainerPlan[] {
    return this.#plan.containers.filter((plan) => plan.group === group);
  }

  #stateOf({ name }: ContainerPlan): ContainerState {
    return this.#containers.get(name) ?? installed;
  }
}
