import { autoRecovery } from "../../shared/formats/run-manifest.ts";
import type { ContainerPlan, ContainerState } from "./container-state.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { none } from "../../shared/quirks/quirks.ts";
import type { RevisionEffect, RevisionEvent, RevisionPlan, RevisionState } from "./revision.ts";
import { initialRevision, stepRevision } from "./revision.ts";
import { VirtualTime } from "./virtual-time.fixture.ts";

/** How a container behaves once it is started. */
export interface Behaviour {
  /** Milliseconds until it ends by itself; undefined when it never does. */
  readonly runs?: number;
  readonly exitCode?: number | null;
  /** Milliseconds that it takes to obey a halt; undefined when it ignores halts. */
  readonly halts?: number;
}

/** A revision in virtual time: its effects only schedule the events that would follow. */
export class Simulation {
  readonly plan: RevisionPlan;
  readonly #behaviours: Readonly<Record<string, Behaviour>>;
  readonly #quirks: Quirks;
  readonly #time = new VirtualTime();
  state: RevisionState;
  readonly log: string[] = [];
  readonly effects: RevisionEffect[] = [];
  /** Times of every start in milliseconds, by container. */
  readonly starts: Record<string, number[]> = {};

  constructor(
    plan: RevisionPlan,
    behaviours: Readonly<Record<string, Behaviour>> = {},
    quirks: Quirks = none,
  ) {
    this.plan = plan;
    this.#behaviours = behaviours;
    this.#quirks = quirks;
    this.state = initialRevision(plan);
    this.dispatch({ type: "begin" });
  }

  of(name: string): ContainerState {
    const state = this.state.containers.get(name);
    if (state === undefined) throw new Error(`no container ${name}`);
    return state;
  }

  request(name: string, type: "start" | "stop" | "restart"): void {
    this.dispatch({ type: "container", name, event: { type } });
  }

  dispatch(event: RevisionEvent): void {
    const step = stepRevision(this.plan, this.state, event, this.#time.now, this.#quirks);
    this.state = step.state;
    this.effects.push(...step.effects);
    for (const effect of step.effects) this.#carryOut(effect);
  }

  /** Run everything that is due within the next milliseconds. */
  advance(milliseconds: number): void {
    this.#time.advance(milliseconds);
  }

  #carryOut(effect: RevisionEffect): void {
    if (effect.type === "log") this.log.push(effect.message);
    if (effect.type === "arm-group") {
      const event: RevisionEvent = { type: "group-timeout", group: effect.group };
      this.#schedule(effect.milliseconds, `group/${effect.group}`, event);
    }
    if (effect.type !== "container") return;
    const { name, effect: inner } = effect;
    const behaviour = this.#behaviours[name] ?? {};
    const tell = (event: (RevisionEvent & { type: "container" })["event"]): RevisionEvent => ({
      type: "container",
      name,
      event,
    });
    switch (inner.type) {
      case "launch": {
        (this.starts[name] ??= []).push(this.#time.now);
        this.#schedule(0, `${name}/life`, tell({ type: "mounted" }));
        if (this.#goalOf(name) === "MOUNTED") return;
        this.#schedule(0, `${name}/life`, tell({ type: "starting" }));
        this.#schedule(0, `${name}/life`, tell({ type: "started" }));
        if (behaviour.runs === undefined) return;
        const exitCode = behaviour.exitCode === undefined ? 1 : behaviour.exitCode;
        this.#schedule(behaviour.runs, `${name}/life`, tell({ type: "ended", exitCode }));
        return;
      }
      case "halt":
        if (behaviour.halts === undefined) return;
        this.#time.cancel(`${name}/life`);
        this.#schedule(behaviour.halts, `${name}/life`, tell({ type: "ended", exitCode: 0 }));
        return;
      case "kill":
        this.#time.cancel(`${name}/life`);
        this.#schedule(1, `${name}/life`, tell({ type: "ended", exitCode: null }));
        return;
      case "arm":
        this.#time.cancel(`${name}/${inner.timer}`);
        this.#schedule(
          inner.milliseconds,
          `${name}/${inner.timer}`,
          tell({ type: "timer", timer: inner.timer }),
        );
        return;
      case "disarm":
        this.#time.cancel(`${name}/${inner.timer}`);
    }
  }

  #goalOf(name: string): string | undefined {
    return this.plan.containers.find((plan) => plan.name === name)?.statusGoal;
  }

  #schedule(milliseconds: number, key: string, event: RevisionEvent): void {
    this.#time.schedule(milliseconds, key, () => this.dispatch(event));
  }
}

export function containerPlan(name: string, rest: Partial<ContainerPlan> = {}): ContainerPlan {
  return {
    name,
    group: "app",
    statusGoal: "STARTED",
    restartPolicy: "container",
    recovery: undefined,
    ...rest,
  };
}

export function revisionPlan(...containers: ContainerPlan[]): RevisionPlan {
  const groups = ["data", "root", "platform", "app"];
  return {
    revision: "0",
    groups: groups.map((name) => ({ name, timeoutSeconds: 30 })),
    containers,
  };
}

/** The recovery of pv-example-recovery (docs/pantavisor.md §5.5). */
export const onFailure = autoRecovery.parse({
  policy: "on-failure",
  max_retries: 5,
  retry_delay: 5,
  backoff_factor: 2,
  reset_window: 60,
  stable_timeout: 30,
  backoff_policy: "10min",
});
