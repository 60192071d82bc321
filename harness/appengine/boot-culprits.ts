import type { ContainerBody, DaemonBody, GroupBody } from "../../broker/shared/formats/control.ts";

/** Replies of pv-ctrl after a boot that failed; undefined where it gave none. */
export interface BootView {
  readonly containers: readonly ContainerBody[] | undefined;
  readonly groups: readonly GroupBody[] | undefined;
  readonly daemons: readonly DaemonBody[] | undefined;
}

/** Parts of an appengine that keep it from READY. */
export interface Culprits {
  /** In words: "container x (STOPPED, goal STARTED)". */
  readonly told: readonly string[];
  /** Names of the containers among them. */
  readonly containers: readonly string[];
}

/** A container that is at its goal says READY, or STARTED where it was not asked for more. */
export function bootCulprits({ containers, groups, daemons }: BootView): Culprits {
  const late = (containers ?? []).filter(
    ({ status, status_goal: goal }) => status !== goal && status !== "READY",
  );
  return {
    told: [
      ...late.map(
        ({ name, status, status_goal: goal, error }) =>
          `container ${name} (${status}, goal ${goal}${error === undefined ? "" : `: ${error}`})`,
      ),
      ...(groups ?? [])
        .filter(({ status }) => status !== "READY")
        .map(({ name, status, status_goal: goal }) => `group ${name} (${status}, goal ${goal})`),
      ...(daemons ?? [])
        .filter(({ pid, respawn }) => respawn && pid < 0)
        .map(({ name }) => `service ${name} (does not run)`),
    ],
    containers: late.map(({ name }) => name),
  };
}
