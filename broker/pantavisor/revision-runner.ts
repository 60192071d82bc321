import { rmSync } from "node:fs";
import { join } from "node:path";
import type { GraphPeer } from "./service-graph.ts";
import type { ContainerDefinition } from "../shared/formats/state.ts";
import type { Clock, Timer } from "./lifecycle/clock.ts";
import type { ContainerEvent, TimerName } from "./lifecycle/container-state.ts";
import type { OverallStatus } from "./lifecycle/group-status.ts";
import type {
  Outcome,
  RevisionEffect,
  RevisionEvent,
  RevisionPlan,
  RevisionState,
} from "./lifecycle/revision.ts";
import { initialRevision, stepRevision } from "./lifecycle/revision.ts";
import { adoptRevision } from "./lifecycle/revision-change.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import { logFolder, revisionFolder } from "./appengine-config.ts";
import type { Drivers } from "./drivers.ts";
import { announceReady } from "./early-ready.quirk.ts";
import type { ContainerProcess, Ending } from "./runtimes/container-process.ts";
import type { WasmSettings } from "./runtimes/container-start.ts";
import { starterOf } from "./runtimes/starters.ts";
import { LXC_FOLDER } from "./runtimes/lxc-container.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import { copyConfig, removeConfig } from "./runtimes/config-overlay.ts";
import { mountVolumes, unmountBelow } from "./runtimes/volumes.ts";
import type { Networks } from "./networks.ts";
import { UsualPaths } from "./usual-paths.ts";

export interface RunnerOptions {
  readonly plan: RevisionPlan;
  readonly definitions: readonly ContainerDefinition[];
  readonly config: AppengineConfig;
  readonly controlSocket: string;
  /** Environment of the init of every container. */
  readonly environment: Readonly<Record<string, string>>;
  readonly wasm: WasmSettings;
  readonly drivers: Pick<Drivers, "prepare">;
  /** Places of containers in network pools. */
  readonly networks?: Pick<Networks, "leaseOf">;
  readonly log: PantavisorLog;
  /** Runs recovery and stability; may be faster than real time. */
  readonly clock: Clock;
  /** Runs what waits for real processes: stop grace, group timeouts. */
  readonly realClock: Clock;
  readonly quirks: Quirks;
}

/** The one that is told what happens to the revision. */
export interface RunnerListener {
  readonly onStatus: (status: OverallStatus) => void;
  /** Called when something has happened to the revision; `state` is up to date by then. */
  readonly onStep: () => void;
  /** Called when a container got a process, or lost it. */
  readonly onPeersChanged: () => void;
  readonly onExit: (outcome: Outcome) => void;
}

const NOBODY: RunnerListener = {
  onStatus: () => undefined,
  onStep: () => undefined,
  onPeersChanged: () => undefined,
  onExit: () => undefined,
};

/**
 * Milliseconds of the clock before a container that could not even be started is tried again. With
 * no delay and no limit of retries, the runner would do nothing else.
 */
const START_AGAIN = 500;

/** Carries out what the revision's state machine decides, and reports back to it. */
export class RevisionRunner {
  readonly #options: Omit<RunnerOptions, "plan" | "definitions">;
  readonly #processes = new Map<string, ContainerProcess>();
  readonly #peers = new Map<string, GraphPeer>();
  readonly #timers = new Map<string, Timer>();
  /** Clock time of each container's last failed start. */
  readonly #failedStarts = new Map<string, number>();
  readonly #groupTimers: Timer[] = [];
  readonly #queue: RevisionEvent[] = [];
  #listener = NOBODY;
  #plan: RevisionPlan;
  #definitions: ReadonlyMap<string, ContainerDefinition>;
  #busy = false;
  #state: RevisionState;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#plan = options.plan;
    this.#definitions = byName(options.definitions);
    this.#state = initialRevision(options.plan);
  }

  /** Tell `listener` from now on, and nobody else. */
  listen(listener: RunnerListener): void {
    this.#listener = listener;
  }

  get state(): RevisionState {
    return this.#state;
  }

  get plan(): RevisionPlan {
    return this.#plan;
  }

  /** The running process of a container; pid -1 when there is none. */
  peerOf(name: string): GraphPeer {
    return this.#peers.get(name) ?? { pid: -1 };
  }

  /**
   * Run another revision from now on. The containers in `kept` go on as they are; all others
   * must be down.
   */
  switchTo(
    plan: RevisionPlan,
    definitions: readonly ContainerDefinition[],
    kept: ReadonlySet<string>,
  ): void {
    for (const timer of this.#groupTimers.splice(0)) timer.cancel();
    this.#failedStarts.clear();
    for (const { name } of this.#plan.containers) {
      if (kept.has(name)) continue;
      this.#peers.delete(name);
      rmSync(join(LXC_FOLDER, name), { recursive: true, force: true });
    }
    this.#state = adoptRevision(plan, this.#state, kept);
    this.#plan = plan;
    this.#definitions = byName(definitions);
    this.#listener.onPeersChanged();
    this.begin();
  }

  begin(): void {
    const { quirks } = this.#options;
    const begin = () => this.dispatch({ type: "begin" });
    const isReported = quirks.has("ready-ignores-containers");
    if (!isReported && !quirks.has("ready-too-early")) {
      begin();
      return;
    }
    const { onStatus } = isReported ? this.#listener : NOBODY;
    announceReady(this.#plan, this.#options, onStatus, begin);
  }

  /** Effects may dispatch again: events are worked off in order, one at a time. */
  dispatch(event: RevisionEvent): void {
    this.#queue.push(event);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { clock, quirks } = this.#options;
      const step = stepRevision(this.#plan, this.#state, next, clock.now(), quirks);
      this.#state = step.state;
      for (const effect of step.effects) this.#apply(effect);
    }
    this.#busy = false;
    this.#listener.onStep();
  }

  #tell(name: string, event: ContainerEvent): void {
    this.dispatch({ type: "container", name, event });
  }

  #apply(effect: RevisionEffect): void {
    const { log, realClock } = this.#options;
    switch (effect.type) {
      case "log":
        log.effect(effect);
        break;
      case "status":
        this.#listener.onStatus(effect.status);
        break;
      case "arm-group":
        this.#groupTimers.push(
          realClock.after(effect.milliseconds, () =>
            this.dispatch({ type: "group-timeout", group: effect.group }),
          ),
        );
        break;
      case "exit":
        this.#listener.onExit(effect.outcome);
        break;
      case "container":
        this.#applyTo(effect.name, effect.effect);
    }
  }

  #applyTo(name: string, effect: (RevisionEffect & { type: "container" })["effect"]): void {
    switch (effect.type) {
      case "launch":
        void this.#launch(name);
        break;
      case "halt":
      case "kill":
        this.#end(name, effect.type);
        break;
      case "release":
        unmountBelow(join(this.#options.config.volumes, name));
        removeConfig(this.#options.config.configs, name);
        break;
      case "arm":
        this.#arm(name, effect.timer, effect.milliseconds);
        break;
      case "disarm":
        this.#timers.get(`${name}/${effect.timer}`)?.cancel();
    }
  }

  #arm(name: string, timer: TimerName, milliseconds: number): void {
    const { clock, realClock } = this.#options;
    const key = `${name}/${timer}`;
    this.#timers.get(key)?.cancel();
    const chosen = timer === "grace" ? realClock : clock;
    this.#timers.set(
      key,
      chosen.after(milliseconds, () => this.#tell(name, { type: "timer", timer })),
    );
  }

  #end(name: string, how: "halt" | "kill"): void {
    const process = this.#processes.get(name);
    if (process === undefined) this.#tell(name, { type: "ended", exitCode: null });
    else if (how === "halt") process.halt();
    else process.kill();
  }

  async #launch(name: string): Promise<void> {
    const definition = this.#definitions.get(name);
    if (definition === undefined) throw new Error(`no container '${name}' in the revision`);
    try {
      await this.#afterFailedStart(name);
      if (this.#state.containers.get(name)?.status === "STOPPING") {
        this.#ended(name, { exitCode: null });
        return;
      }
      // An unknown type is refused before anything is done for it.
      starterOf(definition.run.type);
      this.#mount(definition);
      this.#tell(name, { type: "mounted" });
      if (this.#goalOf(name) === "MOUNTED") return;
      this.#options.drivers.prepare(name);
      const process = this.#start(definition);
      this.#tell(name, { type: "starting" });
      await this.#run(name, process);
    } catch (error) {
      this.#ended(name, { exitCode: 1, reason: (error as Error).message });
    }
  }

  async #afterFailedStart(name: string): Promise<void> {
    const { clock } = this.#options;
    const failed = this.#failedStarts.get(name);
    if (failed === undefined) return;
    const left = failed + START_AGAIN - clock.now();
    if (left > 0) await new Promise<void>((resolve) => void clock.after(left, resolve));
  }

  #ended(name: string, ending: Ending): void {
    if (ending.reason === undefined) this.#failedStarts.delete(name);
    else this.#failedStarts.set(name, this.#options.clock.now());
    this.#tell(name, { type: "ended", ...ending });
  }

  async #run(name: string, process: ContainerProcess): Promise<void> {
    const { quirks } = this.#options;
    this.#processes.set(name, process);
    void process.ended.then((ending) => {
      this.#processes.delete(name);
      if (!quirks.has("stale-pid")) this.#peers.delete(name);
      this.#listener.onPeersChanged();
      this.#ended(name, ending);
    });
    const init = await process.started;
    if (init === undefined || this.#processes.get(name) !== process) return;
    const isUnlinked = quirks.has("runc-no-links") && this.#typeOf(name) === "runc";
    if (!isUnlinked) {
      this.#peers.set(name, quirks.has("graph-pid-wrong") ? { pid: process.monitorPid } : init);
    }
    this.#listener.onPeersChanged();
    this.#tell(name, { type: "started" });
  }

  #typeOf(name: string): string | undefined {
    return this.#definitions.get(name)?.run.type;
  }

  #goalOf(name: string): string | undefined {
    return this.plan.containers.find((container) => container.name === name)?.statusGoal;
  }

  #mount({ name, run }: ContainerDefinition): void {
    const { config, quirks } = this.#options;
    const { revision } = this.#plan;
    mountVolumes({
      name,
      run,
      revision,
      revisionFolder: revisionFolder(config, revision),
      storage: config.storage,
      volumes: config.volumes,
      loopIndexBase: config.loopIndexBase,
      quirks,
    });
  }

  #start(definition: ContainerDefinition): ContainerProcess {
    const { config, controlSocket, environment, wasm, quirks } = this.#options;
    const { name, run, exports } = definition;
    const { revision } = this.#plan;
    const logs = quirks.has("logs-missing") ? "/run/pantavisor/logs" : logFolder(config, revision);
    const trail = revisionFolder(config, revision);
    const paths = new UsualPaths(config, quirks);
    paths.makeOfContainer(join(logs, name));
    const isManaging = (run.roles ?? ["mgmt"]).includes("mgmt");
    const isLaidOver = !quirks.has("config-ignored");
    return starterOf(run.type)({
      name,
      run,
      exports,
      revisionFolder: trail,
      configFolder: isLaidOver ? copyConfig(trail, config.configs, name) : undefined,
      logFolder: join(logs, name),
      volumes: join(config.volumes, name),
      controlSocket,
      network: this.#options.networks?.leaseOf(definition),
      sockets: paths.socketsOf(run["dev-log"] ?? true),
      views: paths.viewsOf(name, isManaging, join(logs, name)),
      environment,
      wasm,
      quirks,
    });
  }
}

function byName(
  definitions: readonly ContainerDefinition[],
): ReadonlyMap<string, ContainerDefinition> {
  return new Map(definitions.map((one) => [one.name, one]));
}
