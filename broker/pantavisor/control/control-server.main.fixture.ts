import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { toConfig } from "../appengine-config.ts";
import { openMetaStore } from "../device-meta.ts";
import { openObjectCatalogue } from "../storage/object-catalogue.ts";
import { settingsOf } from "../settings.ts";
import { openSteps } from "../storage/steps.ts";
import { installed } from "../lifecycle/container-state.ts";
import { containerPlan } from "../lifecycle/revision-simulation.fixture.ts";
import { none } from "../../shared/quirks/quirks.ts";
import { serveControl } from "./server.ts";

/** A pv-ctrl in a process of its own, in the folder that it is given; says `listening`. */
const folder = process.argv[2] ?? "";
const storage = join(folder, "storage");
for (const name of ["objects", "trails"]) mkdirSync(join(storage, name), { recursive: true });

await serveControl(join(folder, "pv-ctrl"), {
  quirks: none,
  containers: () => [{ plan: containerPlan("c", {}), state: installed, roles: ["mgmt"] }],
  callers: () => [],
  groups: () => [],
  graph: () => [],
  daemons: () => [],
  drivers: { list: () => [], set: () => undefined },
  request: () => undefined,
  signalReady: () => undefined,
  end: () => true,
  isUpdating: () => false,
  isDeparting: () => false,
  runStep: () => Promise.resolve(undefined),
  makeFactory: () => undefined,
  override: () => undefined,
  deviceMeta: openMetaStore(join(storage, "devmeta")),
  userMeta: openMetaStore(join(storage, "usrmeta")),
  objects: openObjectCatalogue(join(storage, "objects"), none),
  steps: { ...openSteps(storage, () => "0"), install: () => undefined },
  collectGarbage: () => 0,
  onRefused: () => undefined,
  buildInfo: () => "build\n",
  settings: () => settingsOf(toConfig("", {}), new Map()),
});
process.stdout.write("listening\n");
