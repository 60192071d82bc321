import { machine } from "node:os";
import type { PantavisorView } from "./control/pantavisor-view.ts";
import { parseTimeScale, systemClock } from "./lifecycle/clock.ts";
import type { Outcome } from "./lifecycle/revision.ts";
import { ifRoom } from "../shared/no-room.ts";
import { controlView } from "./control-view.ts";
import type { Daemon } from "./daemon.ts";
import { disabledDaemon } from "./daemon.ts";
import { makeDaemon } from "./daemon-runner.ts";
import type { DeviceMeta } from "./device-meta.ts";
import type { Drivers } from "./drivers.ts";
import { openDrivers } from "./drivers.ts";
import { rememberProcess } from "./leftovers.ts";
import { Networks } from "./networks.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import { BUILD, socketOf } from "./pantavisor-options.ts";
import type { PantavisorOptions } from "./pantavisor-options.ts";
import { RevisionRunner } from "./revision-runner.ts";
import type { RunningRevision } from "./running-revision.ts";
import { RunningBus, busCommand, hostsBus, noHostedBus } from "./systembus/hosted-bus.ts";
import type { HostedBus } from "./systembus/hosted-bus.ts";
import { Updater } from "./updater.ts";

const BROKER = "pv-xconnect";
const BUS = "pv-dbus";

/** Where the process of a daemon is remembered. */
const daemonFile = (name: string): string => `/run/pantavisor/${name}.json`;
export const DAEMON_FILES = [BROKER, BUS].map(daemonFile);

/** The acting parts of pantavisor, each made before those that know it. Nothing runs yet. */
export interface Parts {
  readonly drivers: Drivers;
  readonly broker: Daemon;
  readonly hostedBus: HostedBus;
  readonly runner: RevisionRunner;
  readonly updater: Updater;
}

export function makeParts(
  { config, environment, quirks }: PantavisorOptions,
  log: PantavisorLog,
  running: RunningRevision,
  good: Set<string>,
): Parts {
  const scale = environment["PVH_TIME_SCALE"];
  const realClock = systemClock();
  const clock = systemClock(parseTimeScale(scale));
  const { plan, state } = running.loaded;
  const drivers = openDrivers({
    // A revision with another bsp/drivers.json needs a reboot, so these aliases stay valid.
    aliases: state.drivers,
    needsOf: (container) =>
      running.loaded.state.containers.find(({ name }) => name === container)?.run.drivers,
    quirks,
  });
  const daemon = (name: string, command: readonly [string, ...string[]]): Daemon =>
    makeDaemon({
      ...{ name, command, log, quirks, clock: realClock },
      onSpawn: (pid) => ifRoom(() => rememberProcess(daemonFile(name), pid)),
    });
  const broker = daemon(BROKER, ["/usr/bin/pv-xconnect"]);
  const hostedBus = hostsBus(config)
    ? new RunningBus({ config, log, quirks, daemon: daemon(BUS, busCommand(config)) })
    : noHostedBus;
  hostedBus.begin(state);
  const networks = new Networks(config, log, quirks);
  networks.begin(running.loaded.revision, state);
  const runner = new RevisionRunner({
    plan,
    networks,
    definitions: state.containers,
    config,
    controlSocket: socketOf(config),
    drivers,
    environment: scale === undefined ? {} : { PVH_TIME_SCALE: scale },
    wasm: {
      engine: environment["PVH_WASM_ENGINE"] ?? "v8",
      machine: environment["PVH_MACHINE"] ?? machine(),
      quirks: environment["PVH_QUIRKS"] ?? "",
    },
    log,
    clock,
    realClock,
    quirks,
  });
  const updater = new Updater({
    config,
    quirks,
    log,
    clock,
    runner,
    good,
    running: () => running.loaded,
    onSwitch(next) {
      hostedBus.begin(next.state);
      networks.begin(next.revision, next.state);
      running.switchTo(next);
    },
  });
  return { drivers, broker, hostedBus, runner, updater };
}

/**
 * Let those who have to know follow what happens to the revision.
 * @returns how it ended, once no container runs any more
 */
export function follow(
  { runner, updater, broker }: Parts,
  running: RunningRevision,
  meta: DeviceMeta,
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  runner.listen({
    onStatus(status) {
      meta.describe("pantavisor.status", status);
      if (status === "READY" && !updater.isBusy()) running.finishCommitted();
    },
    onStep: () => updater.onStep(),
    onPeersChanged: () => broker.notify(),
    onExit: resolve,
  });
  return promise;
}

export function viewOf(
  { config, quirks }: PantavisorOptions,
  { drivers, broker, hostedBus, runner, updater }: Parts,
  running: RunningRevision,
  meta: DeviceMeta,
  log: PantavisorLog,
): PantavisorView {
  return controlView({
    config,
    quirks,
    running: () => running.loaded,
    runner,
    updater,
    daemons: [disabledDaemon("hwrngd"), broker, ...hostedBus.daemons],
    hostedBus,
    drivers,
    deviceMeta: meta.store,
    buildInfo: BUILD,
    log,
    onRefused: (command, reason) =>
      log.write("WARN", "ctrl-cmd", `(_cmd_reject:87) rejecting ${command} command: ${reason}`),
  });
}
