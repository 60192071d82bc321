import { containersBody } from "../../shared/formats/control.ts";
import type { ContainerStatus } from "../../shared/formats/control.ts";
import { parseGraph } from "../../shared/formats/graph.ts";
import { buildGraph } from "../service-graph.ts";
import { STATE_SPEC, parseState } from "../../shared/formats/state.ts";
import type { ContainerEvent, ContainerPlan } from "../lifecycle/container-state.ts";
import { installed, isUp } from "../lifecycle/container-state.ts";
import { respawnAfter } from "../lifecycle/respawn.ts";
import { revisionPlan } from "../lifecycle/revision-simulation.fixture.ts";
import type { RevisionEffect, RevisionEvent, RevisionState } from "../lifecycle/revision.ts";
import { initialRevision, stepRevision } from "../lifecycle/revision.ts";
import { VirtualTime } from "../lifecycle/virtual-time.fixture.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { none } from "../../shared/quirks/quirks.ts";
import type { Caller } from "./caller.ts";
import { containerRoutes } from "./endpoints/containers.ts";
import { daemonRoutes } from "./endpoints/daemons.ts";
import { graphRoutes } from "./endpoints/graph.ts";
import { signalRoutes } from "./endpoints/signal.ts";
import type { PantavisorView } from "./pantavisor-view.ts";
import type { Reply } from "./reply.ts";
import { findRoute } from "./route.ts";

/** A container as the machine sees it. */
export interface SimulatedContainer {
  readonly plan: ContainerPlan;
  /** Milliseconds from the halt signal to its end; undefined: it ignores the signal. */
  readonly halts: number | undefined;
  /** Milliseconds from its launch to its init. */
  readonly starts: number;
}

/** Statuses that may follow each status (docs/pantavisor.md §4.1). */
const FOLLOWS: Readonly<Record<ContainerStatus, readonly ContainerStatus[]>> = {
  NONE: [],
  INSTALLED: ["BLOCKED", "MOUNTED", "STOPPING", "STOPPED", "RECOVERING"],
  BLOCKED: ["MOUNTED", "STOPPING", "STOPPED", "RECOVERING"],
  MOUNTED: ["STARTING", "STOPPING", "STOPPED", "RECOVERING", "INSTALLED"],
  STARTING: ["STARTED", "READY", "STOPPING", "STOPPED", "RECOVERING", "INSTALLED"],
  STARTED: ["READY", "STOPPING", "STOPPED", "RECOVERING", "INSTALLED"],
  READY: ["STOPPING", "STOPPED", "RECOVERING", "INSTALLED"],
  RECOVERING: ["INSTALLED", "STOPPED"],
  STOPPING: ["STOPPED", "INSTALLED"],
  STOPPED: ["INSTALLED"],
};

/**
 * A machine in virtual time under the real lifecycle and the real endpoints: the processes of
 * its containers, their mounts, their timers and the broker daemon are numbers in here.
 * `violations` says what went against an invariant.
 */
export class SimulatedMachine {
  readonly violations: string[] = [];
  readonly #time = new VirtualTime();
  state: RevisionState;
  exits = 0;
  readonly processes = new Map<string, number>();
  readonly #containers: readonly SimulatedContainer[];
  readonly #plan;
  readonly #routes;
  readonly #mounts = new Set<string>();
  readonly #refusesStart = new Set<string>();
  #queue: RevisionEvent[] = [];
  #busy = false;
  #pids = 100;
  #broker = { pid: 1, respawn: true, crashes: 0, since: 0 };

  readonly #quirks: Quirks;

  constructor(containers: readonly SimulatedContainer[], quirks: Quirks = none) {
    this.#quirks = quirks;
    this.#containers = containers;
    this.#plan = revisionPlan(...containers.map(({ plan }) => plan));
    this.state = initialRevision(this.#plan);
    const view = this.#view();
    this.#routes = [
      ...containerRoutes(view),
      ...daemonRoutes(view),
      ...graphRoutes(view),
      ...signalRoutes(view),
    ];
    this.#dispatch({ type: "begin" });
  }

  request(container: string, action: string): void {
    const stopped = this.#refusesStart.delete(container);
    const reply = this.#call("PUT", `/containers/${container}`, { action });
    const plan = this.#containers.find(({ plan: { name } }) => name === container)?.plan;
    if ((plan?.restartPolicy === "system") !== (reply.status === 403)) {
      this.violations.push(`${action} of '${container}' answers ${reply.status}`);
    }
    const ignored = reply.status !== 200 || this.state.outcome !== undefined;
    if (ignored ? stopped : action === "stop") this.#refusesStart.add(container);
    this.#check();
  }

  crash(container: string, exitCode: number | null): void {
    if (!this.processes.has(container)) return;
    this.#time.cancel(`${container}/life`);
    this.#end(container, exitCode);
  }

  signal(container: string): void {
    const caller: Caller = { kind: "container", pid: 7, name: container };
    const { status } = this.#call("POST", "/signal", { type: "ready" }, caller);
    const expected = this.#planOf(container).statusGoal === "READY" ? 200 : 403;
    if (status !== expected) this.violations.push(`signal of '${container}' answers ${status}`);
  }

  killBroker(): void {
    if (this.#broker.pid <= 0) return;
    const { crashes, delay } = respawnAfter(
      this.#broker.crashes,
      this.#time.now - this.#broker.since,
    );
    this.#broker = { ...this.#broker, pid: 0, crashes };
    this.#time.schedule(delay, "broker", () => this.#startBroker());
  }

  actOnBroker(action: string): void {
    this.#call("PUT", "/daemons/pv-xconnect", { action });
  }

  shutDown(): void {
    this.#dispatch({ type: "shutdown", outcome: "reboot" });
  }

  /** Let everything happen that falls into the next milliseconds. */
  advance(milliseconds: number): void {
    this.#time.advance(milliseconds);
    this.#check();
  }

  /** Status of each container that the user has stopped last. */
  get userStopped(): string[] {
    return [...this.#refusesStart].map((name) => this.state.containers.get(name)?.status ?? "");
  }

  get brokerPid(): number {
    return this.#broker.pid;
  }

  /** Timers and ends to come, by key. */
  get pending(): readonly string[] {
    return this.#time.keys;
  }

  #dispatch(event: RevisionEvent): void {
    this.#queue.push(event);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const before = this.state;
      const step = stepRevision(this.#plan, before, next, this.#time.now, this.#quirks);
      this.state = step.state;
      this.#checkTransitions(before);
      for (const effect of step.effects) this.#carryOut(effect);
    }
    this.#busy = false;
    this.#check();
  }

  #carryOut(effect: RevisionEffect): void {
    if (effect.type === "arm-group") {
      const event: RevisionEvent = { type: "group-timeout", group: effect.group };
      this.#time.schedule(effect.milliseconds, `group/${effect.group}`, () =>
        this.#dispatch(event),
      );
    }
    if (effect.type === "exit") this.exits += 1;
    if (effect.type !== "container") return;
    const { name, effect: inner } = effect;
    switch (inner.type) {
      case "launch": {
        this.#launch(name);
        return;
      }
      case "halt":
      case "kill": {
        const { halts } = this.#of(name);
        const after = inner.type === "kill" ? 1 : halts;
        if (after === undefined) return;
        this.#time.cancel(`${name}/life`);
        this.#time.schedule(after, `${name}/life`, () =>
          this.#end(name, inner.type === "kill" ? null : 0),
        );
        return;
      }
      case "release":
        return void this.#mounts.delete(name);
      case "arm":
        this.#time.cancel(`${name}/${inner.timer}`);
        {
          this.#time.schedule(inner.milliseconds, `${name}/${inner.timer}`, () =>
            this.#tell(name, { type: "timer", timer: inner.timer }),
          );
          return;
        }
      case "disarm": {
        this.#time.cancel(`${name}/${inner.timer}`);
        return;
      }
    }
  }

  #launch(name: string): void {
    if (this.#refusesStart.has(name)) this.violations.push(`'${name}' starts after a user stop`);
    if (this.processes.has(name)) this.violations.push(`'${name}' starts twice`);
    this.#mounts.add(name);
    this.#time.schedule(0, `${name}/life`, () => {
      this.#tell(name, { type: "mounted" });
      if (this.#planOf(name).statusGoal === "MOUNTED") return;
      this.#tell(name, { type: "starting" });
      this.#time.schedule(this.#of(name).starts, `${name}/life`, () => {
        this.processes.set(name, (this.#pids += 1));
        this.#tell(name, { type: "started" });
      });
    });
  }

  #end(name: string, exitCode: number | null): void {
    this.processes.delete(name);
    this.#tell(name, { type: "ended", exitCode });
  }

  #startBroker(): void {
    if (!this.#broker.respawn) return;
    this.#broker = { ...this.#broker, pid: (this.#pids += 1), since: this.#time.now };
  }

  #tell(name: string, event: ContainerEvent): void {
    this.#dispatch({ type: "container", name, event });
  }

  /** Compares the replies of pv-ctrl with the machine; too slow to do after each step. */
  compareReplies(): void {
    const listed = containersBody.parse(JSON.parse(bodyOf(this.#call("GET", "/containers"))));
    for (const { name, status, auto_recovery: recovery } of listed) {
      const state = this.state.containers.get(name);
      if (status !== state?.status || (recovery?.current_retries ?? 0) !== state.retries) {
        this.violations.push(`/containers says ${status} of '${name}'`);
      }
    }
    for (const entry of parseGraph(JSON.parse(bodyOf(this.#call("GET", "/xconnect-graph"))))) {
      const peers = [
        [entry.consumer, entry.consumer_pid],
        [entry.provider, entry.provider_pid],
      ] as const;
      for (const [name, pid] of peers) {
        if (pid !== (this.processes.get(name) ?? 0)) {
          this.violations.push(`the graph says ${pid} of '${name}'`);
        }
      }
    }
  }

  #check(): void {
    if (this.#busy) return;
    const timers = new Set(this.pending);
    for (const { plan } of this.#containers) {
      const { name, recovery } = plan;
      const state = this.state.containers.get(name) ?? installed;
      const { status, retries } = state;
      const limit = recovery?.max_retries ?? 0;
      const up = isUp(state);
      if (limit > 0 && retries > limit) {
        this.violations.push(`'${name}' is at retry ${retries} of ${limit}`);
      }
      if (this.processes.has(name) && !up) this.violations.push(`'${name}' is ${status} and runs`);
      if (this.#mounts.has(name) && !up && status !== "MOUNTED") {
        this.violations.push(`'${name}' is ${status} and its mounts are left`);
      }
      if (timers.has(`${name}/recovery`) && status !== "RECOVERING") {
        this.violations.push(`'${name}' is ${status} and its recovery timer runs`);
      }
      if (timers.has(`${name}/grace`) && status !== "STOPPING") {
        this.violations.push(`'${name}' is ${status} and its grace timer runs`);
      }
    }
  }

  #checkTransitions(before: RevisionState): void {
    for (const [name, { status }] of this.state.containers) {
      const was = before.containers.get(name)?.status ?? "NONE";
      if (was !== status && !FOLLOWS[was].includes(status)) {
        this.violations.push(`'${name}' goes from ${was} to ${status}`);
      }
    }
  }

  #call(
    method: string,
    path: string,
    body: object = {},
    caller: Caller = { kind: "host", pid: 1 },
  ): Reply {
    const match = findRoute(this.#routes, method, path);
    if (match.kind !== "found") throw new Error(`${method} ${path} is ${match.kind}`);
    const reply = match.handler.reply({
      parameters: match.parameters,
      body: JSON.stringify(body),
      content: () => {
        throw new Error("no stream here");
      },
      contentLength: 0,
      caller,
    });
    if (reply instanceof Promise) throw new Error(`${method} ${path} takes its time`);
    return reply;
  }

  #view(): PantavisorView {
    const state = parseState(
      {
        "#spec": STATE_SPEC,
        ...Object.fromEntries(
          this.#containers.flatMap(({ plan: { name } }, index) => [
            [`${name}/run.json`, { name, services: { optional: [{ name: "s", target: "/s" }] } }],
            ...(index === 0
              ? [[`${name}/services.json`, [{ name: "s", type: "unix", socket: "/s" }]]]
              : []),
          ]),
        ),
      },
      none,
    );
    const unused = (): never => {
      throw new Error("not asked for here");
    };
    const meta = { all: unused, has: unused, size: unused, set: unused, delete: unused };
    const daemon = {
      body: () => ({
        name: "pv-xconnect",
        pid: this.#broker.pid,
        respawn: this.#broker.respawn,
      }),
      start: () => {
        this.#broker = { ...this.#broker, respawn: true };
        if (this.#broker.pid <= 0 && !this.pending.includes("broker")) this.#startBroker();
      },
      stop: () => {
        this.#broker = { ...this.#broker, respawn: false, pid: -1 };
        this.#time.cancel("broker");
      },
    };
    return {
      quirks: this.#quirks,
      callers: () => [],
      containers: () =>
        this.#containers.map(({ plan }) => ({
          plan,
          state: this.state.containers.get(plan.name) ?? unused(),
          roles: ["mgmt"],
        })),
      groups: unused,
      graph: () =>
        buildGraph(state.containers, (name) => ({ pid: this.processes.get(name) ?? -1 }), none),
      daemons: () => [daemon],
      drivers: { list: unused, set: unused },
      request: (name, type) => this.#tell(name, { type }),
      signalReady: (name) => this.#tell(name, { type: "ready-signal" }),
      end: unused,
      isUpdating: () => false,
      isDeparting: () => false,
      runStep: unused,
      makeFactory: unused,
      override: unused,
      deviceMeta: meta,
      userMeta: meta,
      objects: { list: unused, read: unused, put: unused },
      steps: {
        list: unused,
        state: unused,
        progress: unused,
        setCommitMessage: unused,
        install: unused,
      },
      collectGarbage: unused,
      onRefused: () => undefined,
      buildInfo: unused,
      settings: unused,
    };
  }

  #of(name: string): SimulatedContainer {
    const found = this.#containers.find(({ plan }) => plan.name === name);
    if (found === undefined) throw new Error(`no container ${name}`);
    return found;
  }

  #planOf(name: string): ContainerPlan {
    return this.#of(name).plan;
  }
}

function bodyOf({ body }: Reply): string {
  return typeof body === "string" ? body : "";
}
