import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { callerOfPid } from "./control/caller.ts";
import { serveControl } from "./control/server.ts";
import { graphWarnings } from "./service-graph.ts";
import type { Outcome } from "./lifecycle/revision.ts";
import { StateError } from "../shared/formats/state.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import { logFolder, revisionFolder } from "./appengine-config.ts";
import { openDeviceMeta } from "./device-meta.ts";
import { closeInterruptedUpdates } from "./storage/interrupted-updates.ts";
import { LXC_FOLDER } from "./runtimes/lxc-container.ts";
import { RUNC_FOLDER } from "./runtimes/runc-bundle.ts";
import { whyNotToRun } from "./integrity.ts";
import { cleanLeftovers } from "./leftovers.ts";
import type { LoadedRevision } from "./loaded-revision.ts";
import { loadRevision, logRevision, missingRequired } from "./loaded-revision.ts";
import { deviatingLog } from "./log-words.quirk.ts";
import { LogServer } from "./log-server.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import { openPantavisorLog } from "./pantavisor-log.ts";
import { BUILD, socketOf } from "./pantavisor-options.ts";
import type { PantavisorOptions } from "./pantavisor-options.ts";
import { DAEMON_FILES, follow, makeParts, viewOf } from "./pantavisor-parts.ts";
import type { Parts } from "./pantavisor-parts.ts";
import { recoverStorage } from "./storage/recover-storage.ts";
import type { RevisionRunner } from "./revision-runner.ts";
import { RunningRevision } from "./running-revision.ts";
import { progressOf, writeProgress } from "./storage/step-progress.ts";
import { openSteps } from "./storage/steps.ts";
import { UsualPaths, logSocketOf, sharedMeta } from "./usual-paths.ts";

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
 * its daemons running, start the containers.
 * @throws StateError naming the key of a state that cannot be run
 */
export async function runPantavisor(options: PantavisorOptions): Promise<Pantavisor> {
  const { config, revision, trial } = options;
  const leftovers = await preparePlaces(config);
  const paths = new UsualPaths(config, options.quirks);
  paths.makeOfControl();
  const log = openLog(options);
  for (const group of leftovers) {
    log.write("WARN", "cgroup", `(pv_cgroup_remove_retry:420) ${group} still exists. Removing...`);
  }
  paths.pointAtLogs(revision);
  const good = new Set<string>();
  const first = await load(options, log, good);
  const steps = openSteps(config.storage, () => revision).list();
  closeInterruptedUpdates(config.storage, steps, revision);
  const meta = openDeviceMeta(config.storage, revision, BUILD, sharedMeta("device-meta", options));
  const running = new RunningRevision(first, { config, log, meta, paths });
  const parts = makeParts(options, log, running, good);
  const { runner, updater, broker, hostedBus } = parts;
  const outcome = follow(parts, running, meta);
  if (trial) updater.beginTrial();
  else running.beginCommitted();
  const logServer = serveLog(options, runner, running, log);
  const control = await serveControl(socketOf(config), viewOf(options, parts, running, meta, log));
  // Only now does pv-ctrl listen: the broker's first read of the graph works.
  for (const daemon of [...hostedBus.daemons, broker]) daemon.begin();
  beginRevision(options, parts, first, log);
  const ended = outcome.then(async (how) => {
    for (const daemon of [broker, ...hostedBus.daemons]) await daemon.shutDown();
    control.close();
    logServer[Symbol.dispose]();
    rmSync(logView(config), { force: true });
    log.write("INFO", "controller", `(pv_shutdown:880) ${how} now`);
    log[Symbol.dispose]();
    return how;
  });
  return { ended, shutDown: (how) => runner.dispatch({ type: "shutdown", outcome: how }) };
}

/** Clear what a killed predecessor has left, and make the folders that programs look into. */
async function preparePlaces(config: AppengineConfig): Promise<readonly string[]> {
  const leftovers = await cleanLeftovers({
    cgroups: "/sys/fs/cgroup",
    volumes: config.volumes,
    runtimes: [LXC_FOLDER, RUNC_FOLDER],
    daemonFiles: DAEMON_FILES,
  });
  recoverStorage(config.storage);
  mkdirSync(config.runDirectory, { recursive: true });
  rmSync(logView(config), { force: true });
  symlinkSync(join(config.storage, "logs"), logView(config));
  return leftovers;
}

/** A view of storage/logs, while pantavisor runs (docs/pantavisor.md §2.6). */
function logView({ runDirectory }: AppengineConfig): string {
  return join(runDirectory, "logs");
}

function openLog({ config, revision, trial, quirks, onLog }: PantavisorOptions): PantavisorLog {
  const log = deviatingLog(
    openPantavisorLog(logFolder(config, revision), clockOf(config, quirks)),
    quirks,
  );
  onLog?.(log);
  const tried = trial ? revision : "";
  log.write(
    "INFO",
    "init",
    `(pv_init_print_cmdline:566) cmdline: 'pv_rev=${revision} pv_try=${tried}'`,
  );
  // pv-appengine has mounted a cgroup2 hierarchy, whatever the host has.
  log.write("DEBUG", "cgroup", "(pv_cgroup_print:68) cgroup version detected 'CGROUP_UNIFIED'");
  return log;
}

/** Clock of the log's lines. */
function clockOf({ values }: AppengineConfig, quirks: Quirks): (() => number) | undefined {
  const isAbsolute = values.get("PV_LOG_TIMESTAMP")?.value === "absolute";
  return isAbsolute && !quirks.has("log-clock-relative") ? () => Date.now() / 1000 : undefined;
}

/** @throws StateError; a revision on trial is then noted as failed */
async function load(
  { config, revision, trial, quirks }: PantavisorOptions,
  log: PantavisorLog,
  good: Set<string>,
): Promise<LoadedRevision> {
  try {
    const loaded = loadRevision(config, revision, quirks);
    logRevision(loaded, log);
    const fault = await whyNotToRun(loaded, { config, log, quirks, good });
    if (fault !== undefined) throw new StateError(fault);
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

/** Before containers start, which get its socket. */
function serveLog(
  { config, quirks }: PantavisorOptions,
  runner: RevisionRunner,
  running: RunningRevision,
  log: PantavisorLog,
): LogServer {
  const containers = () =>
    running.loaded.state.containers.map(({ name }) => ({ name, init: runner.peerOf(name).pid }));
  return new LogServer({
    path: logSocketOf(config),
    log,
    level: Number(config.values.get("PV_LOG_LEVEL")?.value ?? "4"),
    folder: () => logFolder(config, running.loaded.revision),
    identify: (pid) => callerOfPid(pid, containers, quirks),
    quirks,
  });
}

/** Start the containers, unless a required service is missing: then the appengine reboots. */
function beginRevision(
  { quirks }: PantavisorOptions,
  { runner, updater }: Parts,
  first: LoadedRevision,
  log: PantavisorLog,
): void {
  const missing = missingRequired(first, quirks);
  for (const line of missing) {
    log.write("ERROR", "state", `(pv_state_validate_services:724) ${line}`);
  }
  for (const line of graphWarnings(first.parties, quirks)) {
    log.write("WARN", "state", line);
  }
  if (missing[0] === undefined) {
    runner.begin();
    return;
  }
  log.write(
    "ERROR",
    "controller",
    "(_pv_wait:502) a platform did not work as expected. Tearing down...",
  );
  updater.giveUp(missing[0]);
  runner.dispatch({ type: "shutdown", outcome: "reboot" });
}
