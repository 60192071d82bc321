import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { serveControl } from "./control/server.ts";
import { graphWarnings } from "./service-graph.ts";
import { parseTimeScale, systemClock } from "./lifecycle/clock.ts";
import type { Outcome } from "./lifecycle/revision.ts";
import { ifRoom } from "../shared/no-room.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import { logFolder, revisionFolder } from "./appengine-config.ts";
import { controlView } from "./control-view.ts";
import { disabledDaemon, runDaemon } from "./daemon-runner.ts";
import { describeDevice, openMetaStore } from "./device-meta.ts";
import { openDrivers } from "./drivers.ts";
import { closeInterruptedUpdates } from "./storage/interrupted-updates.ts";
import { LXC_FOLDER } from "./runtimes/lxc-container.ts";
import { RUNC_FOLDER } from "./runtimes/runc-container.ts";
import { cleanLeftovers, rememberProcess } from "./leftovers.ts";
import type { LoadedRevision } from "./loaded-revision.ts";
import { loadRevision, logRevision, missingRequired } from "./loaded-revision.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import { openPantavisorLog } from "./pantavisor-log.ts";
import { recoverStorage } from "./storage/recover-storage.ts";
import { RevisionRunner } from "./revision-runner.ts";
import { progressOf, readProgress, writeProgress } from "./storage/step-progress.ts";
import { openSteps } from "./storage/steps.ts";
import { Updater } from "./updater.ts";

const DAEMON_FILE = "/run/pantavisor/pv-xconnect.json";
const BUILD = "pvh reference 0.2.0";

export interface PantavisorOptions {
  readonly config: AppengineConfig;
  readonly revision: string;
  /** True when this boot tries the revision, which is not committed yet. */
  readonly trial: boolean;
  readonly environment: NodeJS.ProcessEnv;
  readonly quirks: Quirks;
  /** Called with pantavisor.log as soon as it is open. */
  readonly onLog?: (log: PantavisorLog) => void;
}

/** A revision on trial cannot even be read, so the one before it has to come back. */
export class TrialError extends Error {
  override readonly name = "TrialError";
}

/** A running pantavisor. */
export interface Pantavisor {
  /** Resolves when everything has been stopped. */
  readonly ended: Promise<Outcome>;
  shutDown(outcome: Outcome): void;
}

/**
 * Run a revision: clean up after a killed predecessor, read the state, serve pv-ctrl, keep
 * pv-xconnect running, start the containers.
 * @throws StateError naming the key of a state that cannot be run
 */
export async function runPantavisor(options: PantavisorOptions): Promise<Pantavisor> {
  const { config, revision, trial, environment, quirks } = options;
  await cleanLeftovers({
    cgroups: "/sys/fs/cgroup",
    volumes: config.volumes,
    runtimes: [LXC_FOLDER, RUNC_FOLDER],
    daemonFile: DAEMON_FILE,
  });
  recoverStorage(config.storage);
  prepareRunDirectory(config);
  const log = openPantavisorLog(logFolder(config, revision));
  options.onLog?.(log);
  const tried = trial ? revision : "";
  log.write(
    "INFO",
    "init",
    `(pv_init_print_cmdline:566) cmdline: 'pv_rev=${revision} pv_try=${tried}'`,
  );
  let running = load(options, log);
  closeInterruptedUpdates(
    config.storage,
    openSteps(config.storage, () => revision).list(),
    revision,
  );

  const meta = openMetaStore(join(config.storage, "cache/devmeta"));
  const describe = (key: string, value: string) => ifRoom(() => meta.set(key, value));
  for (const [key, value] of Object.entries(describeDevice(revision, BUILD))) describe(key, value);
  describe("pantavisor.status", "INSTALLED");

  const ending = Promise.withResolvers<Outcome>();
  const controlSocket = join(config.runDirectory, "pv-ctrl");
  const scale = environment["PVH_TIME_SCALE"];
  const realClock = systemClock();
  const clock = systemClock(parseTimeScale(scale));
  const drivers = openDrivers({
    // A revision with another bsp/drivers.json needs a reboot, so these aliases stay valid.
    aliases: running.state.drivers,
    needsOf: (container) =>
      running.state.containers.find(({ name }) => name === container)?.run.drivers,
    quirks,
  });
  const runner = new RevisionRunner({
    plan: running.plan,
    definitions: running.state.containers,
    config,
    controlSocket,
    drivers,
    environment: scale === undefined ? {} : { PVH_TIME_SCALE: scale },
    log,
    clock,
    realClock,
    quirks,
    onStatus(status) {
      describe("pantavisor.status", status);
      if (status === "READY" && !updater.isBusy()) finishCommitted(config, running.revision);
    },
    onStep: () => updater.onStep(),
    onPeersChanged: () => broker.notify(),
    onExit: ending.resolve,
  });
  const updater = new Updater({
    config,
    quirks,
    log,
    clock,
    runner,
    running: () => running,
    onSwitch(next) {
      running = next;
      log.moveTo(logFolder(config, next.revision));
      logRevision(next, log);
      describe("pantavisor.revision", next.revision);
    },
  });
  if (trial) updater.beginTrial();
  else beginCommitted(config, revision);
  const daemons = [disabledDaemon("hwrngd")];
  const view = controlView({
    config,
    quirks,
    running: () => running,
    runner,
    updater,
    daemons,
    drivers,
    deviceMeta: meta,
    buildInfo: BUILD,
  });
  const control = await serveControl(controlSocket, view);
  // Only now does pv-ctrl listen: the broker's first read of the graph works.
  const broker = runDaemon({
    name: "pv-xconnect",
    command: ["/usr/bin/pv-xconnect"],
    log,
    clock: realClock,
    quirks,
    onSpawn: (pid) => ifRoom(() => rememberProcess(DAEMON_FILE, pid)),
  });
  daemons.push(broker);

  const missing = missingRequired(running, quirks);
  for (const line of missing) {
    log.write("ERROR", "state", `(pv_state_validate_services:724) ${line}`);
  }
  for (const line of graphWarnings(running.state.containers, quirks)) {
    log.write("WARN", "state", line);
  }
  if (missing[0] === undefined) runner.begin();
  else {
    log.write(
      "ERROR",
      "controller",
      "(_pv_wait:502) a platform did not work as expected. Tearing down...",
    );
    updater.giveUp(missing[0]);
    runner.dispatch({ type: "shutdown", outcome: "reboot" });
  }

  const ended = ending.promise.then(async (outcome) => {
    await broker.shutDown();
    control.close();
    rmSync(join(config.runDirectory, "logs"), { force: true });
    log.write("INFO", "controller", `(pv_shutdown:880) ${outcome} now`);
    log[Symbol.dispose]();
    return outcome;
  });
  return { ended, shutDown: (outcome) => runner.dispatch({ type: "shutdown", outcome }) };
}

/** `logs` there is a view of storage/logs, while pantavisor runs (docs/pantavisor.md §2.6). */
function prepareRunDirectory({ runDirectory, storage }: AppengineConfig): void {
  mkdirSync(runDirectory, { recursive: true });
  const view = join(runDirectory, "logs");
  rmSync(view, { force: true });
  symlinkSync(join(storage, "logs"), view);
}

/** @throws StateError; a revision on trial is then noted as failed */
function load(
  { config, revision, trial, quirks }: PantavisorOptions,
  log: PantavisorLog,
): LoadedRevision {
  try {
    const loaded = loadRevision(config, revision, quirks);
    logRevision(loaded, log);
    return loaded;
  } catch (error) {
    const line = `state of revision '${revision}': ${(error as Error).message}`;
    log.write("ERROR", "parser-system1", line);
    if (trial) {
      writeProgress(revisionFolder(config, revision), progressOf.failed(line));
      throw new TrialError(line, { cause: error });
    }
    throw error;
  }
}

/** A committed revision has one thing left to say: that it has been READY. */
function beginCommitted(config: AppengineConfig, revision: string): void {
  const folder = revisionFolder(config, revision);
  if (readProgress(folder)["status"] === "DONE") return;
  writeProgress(folder, revision === "0" ? progressOf.factoryStarting : progressOf.starting);
}

function finishCommitted(config: AppengineConfig, revision: string): void {
  const folder = revisionFolder(config, revision);
  const status = readProgress(folder)["status"];
  if (status !== "INPROGRESS") return;
  writeProgress(folder, revision === "0" ? progressOf.factory : progressOf.done);
}
