import { join } from "node:path";
import type { MetaStore, ObjectCatalogue, PantavisorView } from "./control/pantavisor-view.ts";
import { standStill } from "./blocking-stop.quirk.ts";
import { buildGraph } from "./service-graph.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import { withAutomaticMeta } from "./automatic-meta.ts";
import { readBootEnvironment } from "./storage/boot-environment.ts";
import type { Daemon } from "./daemon.ts";
import { openMetaStore } from "./device-meta.ts";
import type { Drivers } from "./drivers.ts";
import { flapping } from "./duplicate-flaps.quirk.ts";
import { FACTORY, makeFactory } from "./storage/factory.ts";
import { unsignedState } from "./integrity.ts";
import type { LoadedRevision } from "./loaded-revision.ts";
import { planState } from "./loaded-revision.ts";
import { collectGarbage, openObjectCatalogue } from "./storage/object-catalogue.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import { oldRevisions, removeRevisions } from "./storage/old-revisions.ts";
import type { RevisionRunner } from "./revision-runner.ts";
import { settingsOf } from "./settings.ts";
import { stepInstaller } from "./storage/step-installer.ts";
import { openSteps } from "./storage/steps.ts";
import type { HostedBus } from "./systembus/hosted-bus.ts";
import type { Updater } from "./updater.ts";
import { sharedMeta } from "./usual-paths.ts";

export interface ViewParts {
  readonly config: AppengineConfig;
  readonly quirks: Quirks;
  readonly running: () => LoadedRevision;
  readonly runner: RevisionRunner;
  readonly updater: Pick<Updater, "isBusy" | "isDeparting" | "next" | "run">;
  readonly daemons: readonly Daemon[];
  readonly hostedBus: Pick<HostedBus, "complete">;
  readonly drivers: Drivers;
  readonly deviceMeta: MetaStore;
  readonly buildInfo: string;
  readonly log: PantavisorLog;
  readonly onRefused: PantavisorView["onRefused"];
}

/** View that pv-ctrl has of a running pantavisor. */
export function controlView(parts: ViewParts): PantavisorView {
  const { config, quirks, running, runner, updater, deviceMeta } = parts;
  const { storage } = config;
  const objects = join(storage, "objects");
  const steps = openSteps(storage, () => running().revision);
  const userMeta = openMetaStore(join(storage, "cache/usrmeta"), sharedMeta("user-meta", parts));
  const overrides = new Map<string, string>();
  const graphOf = quirks.has("duplicate-flaps") ? flapping(buildGraph) : buildGraph;
  return {
    quirks,
    containers: () =>
      running().state.containers.flatMap(({ name, run }) => {
        const plan = runner.plan.containers.find((one) => one.name === name);
        const now = runner.state.containers.get(name);
        if (plan === undefined || now === undefined) return [];
        return [{ plan, state: now, roles: run.roles ?? ["mgmt"] }];
      }),
    callers: () =>
      running().state.containers.map(({ name }) => ({ name, init: runner.peerOf(name).pid })),
    groups: () =>
      running().groups.map((group) => ({
        group,
        status: runner.state.groupStatus.get(group.name) ?? "INSTALLED",
      })),
    graph: () =>
      graphOf(running().parties, (name) => runner.peerOf(name), quirks).map((entry) =>
        parts.hostedBus.complete(entry),
      ),
    daemons: () => parts.daemons,
    drivers: parts.drivers,
    request(name, action) {
      const stops = action === "stop" || action === "restart";
      if (stops && quirks.has("stop-blocks-ctrl")) standStill(runner.state.containers.get(name));
      runner.dispatch({ type: "container", name, event: { type: action } });
    },
    signalReady: (name) =>
      runner.dispatch({ type: "container", name, event: { type: "ready-signal" } }),
    end(outcome) {
      if (runner.state.outcome !== undefined) return false;
      runner.dispatch({ type: "shutdown", outcome });
      return true;
    },
    isUpdating: () => updater.isBusy(),
    isDeparting: (container) => updater.isDeparting(container),
    runStep: (revision, how) => updater.run(stepName(revision), how),
    makeFactory: (revision) => makeFactory(storage, stepName(revision), useOf(FACTORY)),
    override: (key, value) => void overrides.set(key, value),
    deviceMeta: withAutomaticMeta(deviceMeta, storage),
    userMeta,
    objects: withUploadLines(openObjectCatalogue(objects, quirks), parts.log),
    steps: {
      ...steps,
      install: stepInstaller({
        storage,
        inUse: useOf,
        plan: (candidate) => void planState(config, "", candidate, quirks),
        unsigned: (candidate) => unsignedState(candidate, { config, log: parts.log, quirks }),
        quirks,
      }),
    },
    collectGarbage() {
      if (!quirks.has("gc-revisions-stay")) removeRevisions(storage, garbage());
      const states = steps.list().map(({ name }) => steps.state(name));
      return collectGarbage(objects, states);
    },
    onRefused: parts.onRefused,
    buildInfo: () => `${parts.buildInfo}\n`,
    settings: () =>
      settingsOf(config, overrides, quirks.has("settings-meta-ignored") ? {} : userMeta.all()),
  };

  function garbage(): string[] {
    const keepsFactory = config.values.get("PV_STORAGE_GC_KEEP_FACTORY")?.value === "1";
    return oldRevisions(steps.list(), { inUse: useOf, keepsFactory });
  }

  function stepName(name: string): string {
    return name === "current" ? running().revision : name;
  }

  /** A revision that runs or is about to, or that a boot may come back to, stays what it is. */
  function useOf(revision: string): string | undefined {
    if (revision === running().revision) return "is running";
    if (revision === updater.next) return "is about to run";
    const boot = readBootEnvironment(join(storage, "boot/uboot.txt"));
    if (revision === boot.revision) return "is the one to roll back to";
    return revision === boot.trying ? "is tried at the next boot" : undefined;
  }
}

/** Lines of pantavisor.log about each object that is uploaded. */
function withUploadLines(catalogue: ObjectCatalogue, log: PantavisorLog): ObjectCatalogue {
  const say = (line: string) => log.write("DEBUG", "ctrl-upload", `(ctrl_upload:1) ${line}`);
  return {
    ...catalogue,
    async put(sha256, size, content) {
      say(`incoming data: ${size} bytes`);
      const outcome = await catalogue.put(sha256, size, content);
      say(outcome === "no room" ? `upload error: ${outcome}` : "upload done, processing file");
      if (outcome === "bad checksum") {
        log.write("WARN", "objects-ep", `(objects_ep:1) object ${sha256} has bad checksum`);
      }
      return outcome;
    },
  };
}
