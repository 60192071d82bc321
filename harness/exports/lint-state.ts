import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDriverAliases } from "../../broker/shared/formats/drivers.ts";
import type { Group } from "../../broker/shared/formats/groups.ts";
import { assignGroups, parseGroups } from "../../broker/shared/formats/groups.ts";
import { requirementCycle } from "../../broker/pantavisor/service-graph.ts";
import type { ContainerDefinition, State } from "../../broker/shared/formats/state.ts";
import { StateError, groupsDocumentOf, parseState } from "../../broker/shared/formats/state.ts";
import { PROJECT } from "../image/sources.ts";
import type { Finding, Report } from "./finding.ts";
import type { JsonObject } from "./json-value.ts";
import { lintTypes } from "./lint-types.ts";

/** Codes that say: the reference refuses the state. */
const REFUSING: ReadonlySet<string> = new Set([
  "spec-unknown",
  "state-refused",
  "wrong-type",
  "name-mismatch",
  "group-unknown",
  "requirement-cycle",
]);

/**
 * Whether a finding says that the reference refuses the state. Each state that it refuses has
 * such a finding, and none that it takes (lint-reference.test.ts).
 */
export function isRefusal({ level, code, path }: Finding): boolean {
  if (level !== "error") return false;
  return REFUSING.has(code) || (code === "name-unsafe" && path.endsWith("/run.json"));
}

/** Groups of an appengine whose state brings none. */
const DEFAULT_GROUPS = join(
  PROJECT,
  "containers/appengine/overlay/etc/pantavisor/defaults/groups.json",
);

export interface StateProblem {
  /** Key of the state, `state` for it as a whole. */
  readonly key: string;
  readonly message: string;
}

/** Read a state as the reference does: gives the state, or the first problem it refuses. */
export function readState(
  fragment: JsonObject,
): { readonly state: State } | { readonly problem: StateProblem } {
  try {
    return { state: parseState(fragment) };
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    const [key = "", ...rest] = error.message.split(": ");
    return { problem: { key, message: rest.join(": ") } };
  }
}

/** Findings on what concerns several containers: groups, drivers, requirements in a circle. */
export function lintState(fragment: JsonObject, state: State | undefined, report: Report): void {
  const groups = groupsDocumentOf(fragment);
  if (groups !== undefined) {
    const path = groups.where.replace(": ", "#/");
    lintTypes(path, () => parseGroups(groups.value), report);
  }
  const drivers = fragment["bsp/drivers.json"];
  if (drivers !== undefined) {
    lintTypes("bsp/drivers.json", () => parseDriverAliases(drivers), report);
  }
  if (state === undefined) return;
  for (const container of state.containers) lintGroup(container, state, report);
  const cycle = requirementCycle(state.containers);
  if (cycle === undefined) return;
  report({
    level: "error",
    code: "requirement-cycle",
    path: `${cycle[0] ?? ""}/run.json#/services/required`,
    message: `these containers require each other in a circle: ${cycle.join(" → ")}`,
    fix: "make one of these requirements optional",
  });
}

/** The group of each container, with its policies; none where the state cannot be read. */
export function groupsIn(state: State | undefined): ReadonlyMap<string, Group> {
  if (state === undefined) return new Map();
  const available = groupsOf(state);
  const byName = new Map(available.map((group) => [group.name, group]));
  const members = state.containers
    .map(({ name, run }) => ({ name, group: run.group }))
    .filter(({ group }) => group === undefined || byName.has(group));
  const assigned = assignGroups(members, available, sourceOf(state));
  return new Map(
    [...assigned].flatMap(([name, { group }]): [string, Group][] => {
      const found = byName.get(group);
      return found === undefined ? [] : [[name, found]];
    }),
  );
}

function lintGroup({ name, run }: ContainerDefinition, state: State, report: Report): void {
  const available = groupsOf(state);
  try {
    assignGroups([{ name, group: run.group }], available, sourceOf(state));
  } catch {
    const whose = state.groups === undefined ? "the default groups" : "the state's groups";
    report({
      level: "error",
      code: "group-unknown",
      path: `${name}/run.json#/group`,
      message: `${JSON.stringify(run.group)} is not one of ${whose}: ${available.map((group) => group.name).join(" ")}`,
      fix: "use one of these, or add the group to groups.json",
    });
  }
}

function groupsOf(state: State): readonly Group[] {
  return state.groups ?? defaultGroups();
}

let defaults: readonly Group[] | undefined;
function defaultGroups(): readonly Group[] {
  return (defaults ??= parseGroups(JSON.parse(readFileSync(DEFAULT_GROUPS, "utf8"))));
}

function sourceOf({ groups }: State): "default" | "device" {
  return groups === undefined ? "default" : "device";
}
