import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { MetaStore, PantavisorView } from "../control/pantavisor-view.ts";
import { serveControl } from "../control/server.ts";
import { parseGroups } from "../formats/groups.ts";
import { buildGraph, graphWarnings, missingServices } from "../formats/service-graph.ts";
import type { State } from "../formats/state.ts";
import { parseState } from "../formats/state.ts";
import { parseTimeScale, systemClock } from "../lifecycle/clock.ts";
import type { Outcome } from "../lifecycle/revision.ts";
import type { Quirks } from "../quirks/quirks.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import { logFolder, revisionFolder } from "./appengine-config.ts";
import type { Daemon } from "./daemon.ts";
import { disabledDaemon, runDaemon } from "./daemon.ts";
import { describeDevice, openMetaStore } from "./device-meta.ts";
import type { Drivers } from "./drivers.ts";
import { openDrivers } from "./drivers.ts";
import { cleanLeftovers, rememberProcess } from "./leftovers.ts";
import { collectGarbage, openObjectCatalogue } from "./object-catalogue.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import { openPantavisorLog } from "./pantavisor-log.ts";
import { removeIncoming } from "./pvtx/object-store.ts";
import type { PlannedRevision } from "./revision-plan.ts";
import { planRevision } from "./revision-plan.ts";
import { RevisionRunner } from "./revision-runner.ts";
import { settingsOf } from "./settings.ts";
import { stepInstaller } from "./step-installer.ts";
import { openSteps, readProgress, writeProgress } from "./steps.ts";

const LXC_FOLDER = "/var/lib/lxc";
const DAEMON_FILE = "/run/pantavisor/pv-xconnect.json";
const DEFAULT_GROUPS = "/etc/pantavisor/defaults/groups.json";
const BUILD = "pvh reference 0.1.0";

export interface PantavisorOptions {
  readonly config: AppengineConfig;
  readonly revision: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly quirks: Quirks;
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
  const { config, revision, environment, quirks } = options;
  await cleanLeftovers({
    cgroups: "/sys/fs/cgroup",
    volumes: config.volumes,
    lxc: LXC_FOLDER,
    daemonFile: DAEMON_FILE,
  });
  removeIncoming(join(config.storage, "objects"));
  prepareRunDirectory(config);
  const log = openPantavisorLog(logFolder(config, revision));
  log.write("INFO", "init", `(pv_init_print_cmdline:566) cmdline: 'pv_rev=${revision} pv_try='`);
  const { state, planned } = loadRevision(options, log);

  const meta = openMetaStore(join(config.storage, "cache/devmeta"));
  for (const [key, value] of Object.entries(describeDevice(revision, BUILD))) meta.set(key, value);
  meta.set("pantavisor.status", "INSTALLED");
  const folder = revisionFolder(config, revision);
  if (readProgress(folder)["status"] !== "DONE") writeProgress(folder, "INPROGRESS");

  const ending = Promise.withResolvers<Outcome>();
  const controlSocket = join(config.runDirectory, "pv-ctrl");
  const scale = environment["PVH_TIME_SCALE"];
  const realClock = systemClock();
  const drivers = openDrivers({
    aliases: state.drivers,
    needs: new Map(state.containers.map(({ name, run }) => [name, run.drivers])),
    quirks,
  });
  const runner = new RevisionRunner({
    plan: planned.plan,
    definitions: state.containers,
    config,
    lxcFolder: LXC_FOLDER,
    controlSocket,
    drivers,
    environment: scale === undefined ? {} : { PVH_TIME_SCALE: scale },
    log,
    clock: systemClock(parseTimeScale(scale)),
    realClock,
    quirks,
    onStatus(status) {
      meta.set("pantavisor.status", status);
      if (status === "READY") writeProgress(folder, "DONE");
    },
    onPeersChanged: () => broker.notify(),
    onExit: ending.resolve,
  });
  const daemons = [disabledDaemon("hwrngd")];
  const view = createView(options, { state, planned, runner, daemons, drivers, meta });
  const control = await serveControl(controlSocket, view);
  // Only now does pv-ctrl listen: the broker's first read of the graph works.
  const broker = runDaemon({
    name: "pv-xconnect",
    command: ["/usr/bin/pv-xconnect"],
    log,
    clock: realClock,
    quirks,
    onSpawn: (pid) => rememberProcess(DAEMON_FILE, pid),
  });
  daemons.push(broker);

  for (const { service, container } of missingServices(state.containers, quirks)) {
    const line = `required service '${service}' for platform '${container}' not found`;
    log.write("ERROR", "state", `(pv_state_validate_services:724) ${line}`);
  }
  for (const line of graphWarnings(state.containers, quirks)) log.write("WARN", "state", line);
  if (isRunnable(state, quirks)) runner.begin();
  else {
    log.write(
      "ERROR",
      "controller",
      "(_pv_wait:502) a platform did not work as expected. Tearing down...",
    );
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

function isRunnable(state: State, quirks: Quirks): boolean {
  return missingServices(state.containers, quirks).length === 0 || quirks.has("required-ignored");
}

/** `logs` there is a view of storage/logs, while pantavisor runs (facts §0.7). */
function prepareRunDirectory({ runDirectory, storage }: AppengineConfig): void {
  mkdirSync(runDirectory, { recursive: true });
  const view = join(runDirectory, "logs");
  rmSync(view, { force: true });
  symlinkSync(join(storage, "logs"), view);
}

function loadRevision(
  { config, revision, quirks }: PantavisorOptions,
  log: PantavisorLog,
): { state: State; planned: PlannedRevision } {
  const file = join(revisionFolder(config, revision), ".pvr/json");
  try {
    const state = parseState(JSON.parse(readFileSync(file, "utf8")), quirks);
    const planned = plan(revision, state, config, quirks);
    if (state.groups === undefined) {
      const line = `groups.json not found in state. Loading default groups.json from '${DEFAULT_GROUPS}'...`;
      log.write("INFO", "parser-system1", line);
    }
    for (const warning of planned.warnings) log.write("WARN", "parser-system1", warning);
    for (const { name } of planned.plan.containers) {
      log.write(
        "INFO",
        "platforms",
        `(pv_platform_set_status:238) platform '${name}' status is now INSTALLED`,
      );
    }
    return { state, planned };
  } catch (error) {
    log.write(
      "ERROR",
      "parser-system1",
      `state of revision '${revision}': ${(error as Error).message}`,
    );
    throw error;
  }
}

function plan(
  revision: string,
  state: State,
  config: AppengineConfig,
  quirks: Quirks,
): PlannedRevision {
  const defaults = parseGroups(JSON.parse(readFileSync(DEFAULT_GROUPS, "utf8")));
  return planRevision(revision, state, defaults, config.goalsTimeout, quirks);
}

interface Parts {
  readonly state: State;
  readonly planned: PlannedRevision;
  readonly runner: RevisionRunner;
  readonly daemons: readonly Daemon[];
  readonly drivers: Drivers;
  readonly meta: MetaStore;
}

function createView({ config, revision, quirks }: PantavisorOptions, parts: Parts): PantavisorView {
  const { state, planned, runner, daemons, drivers, meta } = parts;
  const objects = join(config.storage, "objects");
  const steps = openSteps(config.storage, revision);
  const install = stepInstaller({
    storage: config.storage,
    current: revision,
    plan: (candidate) => void plan(revision, candidate, config, quirks),
    quirks,
  });
  return {
    quirks,
    containers: () =>
      state.containers.flatMap(({ name, run }) => {
        const plan = planned.plan.containers.find((one) => one.name === name);
        const now = runner.state.containers.get(name);
        if (plan === undefined || now === undefined) return [];
        return [{ plan, state: now, roles: run.roles ?? ["mgmt"] }];
      }),
    groups: () =>
      planned.groups.map((group) => ({
        group,
        status: runner.state.groupStatus.get(group.name) ?? "INSTALLED",
      })),
    graph: () => buildGraph(state.containers, (name) => runner.peerOf(name), quirks),
    daemons: () => daemons,
    drivers,
    request: (name, action) =>
      runner.dispatch({ type: "container", name, event: { type: action } }),
    signalReady: (name) =>
      runner.dispatch({ type: "container", name, event: { type: "ready-signal" } }),
    end(outcome) {
      if (runner.state.outcome !== undefined) return false;
      runner.dispatch({ type: "shutdown", outcome });
      return true;
    },
    deviceMeta: meta,
    userMeta: openMetaStore(join(config.storage, "cache/usrmeta")),
    objects: openObjectCatalogue(objects, quirks),
    steps: { ...steps, install },
    collectGarbage: () =>
      collectGarbage(
        objects,
        steps.list().map(({ name }) => steps.state(name)),
      ),
    buildInfo: () => `${BUILD}\n`,
    settings: () => settingsOf(config),
  };
}
