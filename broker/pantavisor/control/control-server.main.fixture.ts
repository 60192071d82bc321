import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { toConfig } from "../appengine/appengine-config.ts";
import { openMetaStore } from "../appengine/device-meta.ts";
import { openObjectCatalogue } from "../appengine/object-catalogue.ts";
import { settingsOf } from "../appengine/settings.ts";
import { openSteps } from "../appengine/steps.ts";
import { installed } from "../lifecycle/container-state.ts";
import { containerPlan } from "../lifecycle/revision-simulation.fixture.ts";
import { none } from "../quirks/quirks.ts";
import { serveControl } from "./server.ts";

/** A pv-ctrl in a process of its own, in the folder that it is given; says `listening`. */
const folder = process.argv[2] ?? "";
const storage = join(folder, "storage");
for (const name of ["objects", "trails"]) mkdirSync(join(storage, name), { recursive: true });

await serveControl(join(folder, "pv-ctrl"), {
  quirks: none,
  containers: () => [{ plan: containerPlan("c", {}), state: installed, roles: ["mgmt"] }],
  groups: () => [],
  graph: () => [],
  daemons: () => [],
  drivers: { list: () => [], set: () => undefined },
  request: () => undefined,
  signalReady: () => undefined,
  end: () => true,
  isUpdating: () => false,
  isDeparting: () => false,
  runStep: () => undefined,
  makeFactory: () => undefined,
  override: () => undefined,
  deviceMeta: openMetaStore(join(storage, "devmeta")),
  userMeta: openMetaStore(join(storage, "usrmeta")),
  objects: openObjectCatalogue(join(storage, "objects"), none),
  steps: { ...openSteps(storage, () => "0"), install: () => undefined },
  collectGarbage: () => 0,
  buildInfo: () => "build\n",
  settings: () => settingsOf(toConfig("", {}), new Map()),
});
process.stdout.write("listening\n");
