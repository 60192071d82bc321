import type { ContainerPlan } from "./container-state.ts";
import { installed } from "./container-state.ts";
import type { RevisionPlan, RevisionState } from "./revision.ts";
import { initialRevision } from "./revision.ts";

/** The parts of a revision that decide how to change from it or to it. */
export interface ChangeSide {
  readonly plan: RevisionPlan;
  /** Keys and values of its state. */
  readonly entries: readonly (readonly [key: string, value: unknown])[];
}

export type RevisionChange =
  | { readonly kind: "reboot"; readonly because: string }
  /** Containers in `kept` are the same in both and go on; the old ones not in it are stopped. */
  | { readonly kind: "in-place"; readonly kept: ReadonlySet<string> };

/**
 * How to get from one revision to another (docs/pantavisor.md §5.4): by a reboot when a document
 * at the root, the BSP, a container with restart_policy `system` or a file of no container has
 * changed, else by stopping and starting only the containers that have changed.
 */
export function changeBetween(before: ChangeSide, after: ChangeSide): RevisionChange {
  const affected = new Set<string>();
  for (const key of changedKeys(before, after)) {
    const owner = ownerOf(key);
    if (owner === undefined || (!has(before, owner) && !has(after, owner))) {
      return { kind: "reboot", because: `${key} has changed` };
    }
    affected.add(owner);
  }
  // A container's default group may change when other containers come or go.
  for (const { name } of after.plan.containers) {
    const same = JSON.stringify(planOf(before, name)) === JSON.stringify(planOf(after, name));
    if (!same) affected.add(name);
  }
  for (const name of affected) {
    const policies = [planOf(before, name), planOf(after, name)].map((one) => one?.restartPolicy);
    if (policies.includes("system")) {
      return { kind: "reboot", because: `'${name}' has restart_policy system` };
    }
  }
  const names = before.plan.containers.map(({ name }) => name);
  return { kind: "in-place", kept: new Set(names.filter((name) => !affected.has(name))) };
}

/** The first state of a revision that takes over containers from the one before it. */
export function adoptRevision(
  plan: RevisionPlan,
  before: RevisionState,
  kept: ReadonlySet<string>,
): RevisionState {
  const containers = plan.containers.map(({ name }) => {
    const state = kept.has(name) ? before.containers.get(name) : undefined;
    return [name, state ?? installed] as const;
  });
  return { ...initialRevision(plan), containers: new Map(containers) };
}

function changedKeys(before: ChangeSide, after: ChangeSide): string[] {
  const was = new Map(before.entries.map(([key, value]) => [key, JSON.stringify(value)]));
  const is = new Map(after.entries.map(([key, value]) => [key, JSON.stringify(value)]));
  return [...new Set([...was.keys(), ...is.keys()])].filter((key) => was.get(key) !== is.get(key));
}

/** The container that a key belongs to: `a/x`, `_config/a/x` and `_sigs/a.json` belong to `a`. */
function ownerOf(key: string): string | undefined {
  const special = /^_config\/([^/]+)\/|^_sigs\/([^/]+)\.json$/.exec(key);
  if (special !== null) return special[1] ?? special[2];
  return /^([^/]+)\//.exec(key)?.[1];
}

function has({ plan }: ChangeSide, name: string): boolean {
  return plan.containers.some((container) => container.name === name);
}

function planOf({ plan }: ChangeSide, name: string): ContainerPlan | undefined {
  return plan.containers.find((container) => container.name === name);
}
