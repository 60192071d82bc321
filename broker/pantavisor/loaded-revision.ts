import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseGroups } from "../shared/formats/groups.ts";
import { parseUntrusted } from "../shared/formats/json-depth.ts";
import { missingServices } from "./service-graph.ts";
import type { State } from "../shared/formats/state.ts";
import { StateError, parseState } from "../shared/formats/state.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import { revisionFolder } from "./appengine-config.ts";
import { refusedNetworks } from "./networks.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import type { PlannedRevision } from "./revision-plan.ts";
import { planRevision } from "./revision-plan.ts";
import { busConflict } from "./systembus/bus-grants.ts";
import { hostsBus, withHostedBus } from "./systembus/hosted-bus.ts";

const DEFAULT_GROUPS = "/etc/pantavisor/defaults/groups.json";

/** A revision in storage, read and ready to run. */
export interface LoadedRevision extends PlannedRevision {
  readonly revision: string;
  readonly state: State;
  /** Its containers, and pantavisor where it provides a service itself. */
  readonly parties: State["containers"];
  /** Reasons why it cannot have the networks that it asks for. */
  readonly refusedNetworks: readonly string[];
}

/** @throws StateError naming the key of a state that cannot be run */
export function loadRevision(
  config: AppengineConfig,
  revision: string,
  quirks: Quirks,
): LoadedRevision {
  const file = join(revisionFolder(config, revision), ".pvr/json");
  const state = parseState(parseUntrusted(readFileSync(file, "utf8")), quirks);
  const networks = refusedNetworks(config, revision, state, quirks);
  const planned = planState(config, revision, state, quirks);
  const parties = withHostedBus(config, state.containers);
  return { revision, state, parties, refusedNetworks: networks, ...planned };
}

/**
 * @throws Error naming a container whose group does not exist, or StateError the one that takes what
 *         is the hosted bus's
 */
export function planState(
  config: AppengineConfig,
  revision: string,
  state: State,
  quirks: Quirks,
): PlannedRevision {
  const conflict = hostsBus(config) ? busConflict(state.containers, quirks) : undefined;
  if (conflict !== undefined) throw new StateError(conflict);
  const defaults =
    state.groups ?? parseGroups(parseUntrusted(readFileSync(DEFAULT_GROUPS, "utf8")));
  return planRevision(revision, state, defaults, config.goalsTimeout, quirks);
}

/**
 * Reasons to stop the whole revision: one for each required service that nobody exports, and for each
 * network that cannot be had.
 */
export function missingRequired(
  { parties, refusedNetworks: networks }: Pick<LoadedRevision, "parties" | "refusedNetworks">,
  quirks: Quirks,
): string[] {
  if (quirks.has("required-ignored")) return [...networks];
  const services = missingServices(parties, quirks).map(
    ({ service, container }) =>
      `required service '${service}' for platform '${container}' not found`,
  );
  return [...services, ...networks];
}

/** The lines with which a revision introduces itself in its log. */
export function logRevision({ state, plan, warnings }: LoadedRevision, log: PantavisorLog): void {
  if (state.groups === undefined) {
    const line = `groups.json not found in state. Loading default groups.json from '${DEFAULT_GROUPS}'...`;
    log.write("INFO", "parser-system1", line);
  }
  for (const warning of warnings) log.write("WARN", "parser-system1", warning);
  for (const { name } of plan.containers) {
    const line = `(pv_platform_set_status:238) platform '${name}' status is now INSTALLED`;
    log.write("INFO", "platforms", line);
  }
}
