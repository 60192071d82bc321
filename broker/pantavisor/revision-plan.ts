import type { Group } from "../shared/formats/groups.ts";
import { assignGroups } from "../shared/formats/groups.ts";
import type { AutoRecovery, RunManifest } from "../shared/formats/run-manifest.ts";
import { requirementCycle } from "./service-graph.ts";
import type { State } from "../shared/formats/state.ts";
import { StateError } from "../shared/formats/state.ts";
import type { ContainerPlan } from "./lifecycle/container-state.ts";
import type { RevisionPlan } from "./lifecycle/revision.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";

export interface PlannedRevision {
  readonly plan: RevisionPlan;
  readonly groups: readonly Group[];
  readonly warnings: readonly string[];
}

/**
 * A state with its defaults filled in: every container in a group, and with the goal, policy
 * and recovery that its group gives where it has none.
 * @param defaultGroups used when the state brings no groups
 * @param goalsTimeout  seconds, for groups without a timeout
 * @throws Error naming a container whose group does not exist, or StateError those that
 *         require each other
 */
export function planRevision(
  revision: string,
  state: State,
  defaultGroups: readonly Group[],
  goalsTimeout: number,
  quirks: Quirks,
): PlannedRevision {
  const cycle = requirementCycle(state.containers, quirks);
  if (cycle !== undefined) {
    const what = `services.required: they need each other: ${cycle.join(" → ")}`;
    throw new StateError(`${cycle[0] ?? ""}/run.json: ${what}`);
  }
  const groups = state.groups ?? defaultGroups;
  const source = state.groups === undefined ? "default" : "device";
  const members = state.containers.map(({ name, run }) => ({ name, group: run.group }));
  const assigned = assignGroups(members, groups, source);
  const containers = state.containers.map(({ name, run }): ContainerPlan => {
    const group = groups.find((one) => one.name === assigned.get(name)?.group);
    return {
      name,
      group: group?.name ?? "",
      statusGoal: run.status_goal ?? group?.status_goal ?? "STARTED",
      restartPolicy: run.restart_policy ?? group?.restart_policy ?? "container",
      recovery: recoveryOf(run, group, quirks),
    };
  });
  return {
    plan: {
      revision,
      groups: groups.map(({ name, timeout = goalsTimeout }) => ({ name, timeoutSeconds: timeout })),
      containers,
    },
    groups,
    warnings: [
      ...[...assigned.values()].flatMap(({ warning }) => warning ?? []),
      ...state.containers.flatMap(({ name, run }) => volumeWarnings(name, run)),
      ...strayConfig(state),
    ],
  };
}

function volumeWarnings(name: string, { storage }: RunManifest): string[] {
  return Object.values(storage).flatMap(({ persistence }) =>
    persistence === undefined || ["permanent", "revision", "boot"].includes(persistence)
      ? []
      : [`invalid persistence value '${persistence}' for platform '${name}', default to BOOT`],
  );
}

function strayConfig({ entries, containers }: State): string[] {
  const names = new Set(containers.map(({ name }) => name));
  const configured = entries.flatMap(([key]) => /^_config\/([^/]+)\//.exec(key)?.[1] ?? []);
  return [...new Set(configured)]
    .filter((name) => !names.has(name))
    .map((name) => `_config/${name} configures a platform that is not in the state`);
}

/** A container's own block, even an explicit `no`, replaces its group's block as a whole. */
function recoveryOf(
  { auto_recovery: own }: RunManifest,
  group: Group | undefined,
  quirks: Quirks,
): AutoRecovery | undefined {
  if (own?.policy === "no" && quirks.has("group-overrides-no")) return group?.auto_recovery ?? own;
  return own ?? group?.auto_recovery;
}
