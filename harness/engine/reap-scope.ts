import { HELD_LABEL, isAlive, isDead, OWNER_LABEL, parseOwner, RUN_LABEL } from "./labels.ts";
import type { Machine } from "./labels.ts";

/**
 * The set of containers and volumes to remove.
 *
 * - `dead-owners`: what a killed pvh of this machine and boot left; held appengines stay
 * - `unused`: that, and held appengines; nothing that a living process works with
 * - `owner`: everything that this owner made
 * - `container`: this container, by name or id, with its volumes
 * - `run`: everything of one run, whoever owns it
 * - `all`: everything of ours on this engine, also what other clones are using now
 */
export type ReapScope =
  | { readonly kind: "dead-owners" | "unused" | "all" }
  | { readonly kind: "owner"; readonly owner: string }
  | { readonly kind: "container"; readonly name: string }
  | { readonly kind: "run"; readonly run: string };

/** The properties of a container or volume by which a scope selects it. */
export interface Labelled {
  readonly name?: string | undefined;
  readonly id?: string;
  readonly labels: Readonly<Record<string, string>> | null;
  /** True for a container that was never started, and for a volume that no container uses. */
  readonly unfinished?: boolean;
}

/** Whether something is in the scope; never for what has no owner label of ours. */
export function isIn(scope: ReapScope, thing: Labelled, machine?: Machine): boolean {
  const label = thing.labels?.[OWNER_LABEL];
  const owner = parseOwner(label);
  if (owner === undefined) return false;
  const held = thing.labels?.[HELD_LABEL] === "true";
  switch (scope.kind) {
    case "all":
      return true;
    case "owner":
      return label === scope.owner;
    case "container":
      return thing.name === scope.name || thing.id === scope.name;
    case "run":
      return thing.labels?.[RUN_LABEL] === scope.run;
    case "dead-owners":
      // A container that a killed `pvh up` had not started yet is not held.
      return (!held || thing.unfinished === true) && isDead(owner, machine);
    case "unused":
      // The owner of a held appengine lives only while `pvh up` still starts it.
      return held ? !isAlive(owner, machine) : isDead(owner, machine);
  }
}
