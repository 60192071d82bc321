import type { Engine } from "./engine.ts";
import { engineError, isConflict, isNotFound } from "./engine-error.ts";
import { HELD_LABEL, isDead, OWNER_LABEL, parseOwner, RUN_LABEL } from "./labels.ts";
import { listContainers, listVolumes } from "./listed.ts";
import { detach, loopDevicesBelow } from "./loop-devices.ts";

/**
 * What to remove.
 *
 * - `dead-owners`: what a killed pvh of this machine and boot left; held appengines stay
 * - `container`: this container, by name or id, with its volumes
 * - `run`: everything of one run, whoever owns it
 * - `all`: everything of ours on this engine, also what other clones are using now
 */
export type ReapScope =
  | { readonly kind: "dead-owners" }
  | { readonly kind: "container"; readonly name: string }
  | { readonly kind: "run"; readonly run: string }
  | { readonly kind: "all" };

/** Names of what was removed. */
export interface Reaped {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly loopDevices: readonly string[];
}

/**
 * Remove containers and volumes of pvh, and detach loop devices that are left on their files.
 * What does not carry our labels is never touched.
 *
 * @throws PvhError PVH_ENGINE with the first refusal, after trying all
 */
export async function reap(engine: Engine, scope: ReapScope): Promise<Reaped> {
  const { docker } = engine;
  const [allContainers, allVolumes] = await Promise.all([
    listContainers(docker),
    listVolumes(docker),
  ]).catch((error: unknown) => {
    throw engineError(error, "looking for what earlier runs left");
  });
  const containers = allContainers.filter((container) => isIn(scope, container));
  const mounted = new Set(containers.flatMap((container) => container.volumes));
  const volumes = allVolumes.filter(({ name, labels }) =>
    scope.kind === "container" ? mounted.has(name) : isIn(scope, { labels }),
  );
  const loops = canDetach(engine)
    ? await loopDevicesBelow(
        volumes.map(({ mountpoint }) => mountpoint).filter((path) => path !== ""),
      )
    : [];
  // A container uses its volume, and a mount its loop device, so the order is this one.
  const removed = await removeAll(
    containers.map(({ id, name }) => ({
      name,
      remove: () => docker.getContainer(id).remove({ force: true, v: true }),
    })),
  );
  const loopDevices = await detach(loops);
  const removedVolumes = await removeAll(
    volumes.map(({ name }) => ({ name, remove: () => docker.getVolume(name).remove() })),
  );
  return { containers: removed, volumes: removedVolumes, loopDevices };
}

/** What the scopes look at. */
interface Labelled {
  readonly name?: string | undefined;
  readonly id?: string;
  readonly labels: Readonly<Record<string, string>> | null;
}

/** Loop devices are the kernel's: only root on the engine's machine can let them go. */
function canDetach(engine: Engine): boolean {
  return engine.sameMachine && process.getuid?.() === 0;
}

/** Whether something is in the scope; never for what has no owner label of ours. */
export function isIn(scope: ReapScope, thing: Labelled, dead: typeof isDead = isDead): boolean {
  const owner = parseOwner(thing.labels?.[OWNER_LABEL]);
  if (owner === undefined) return false;
  switch (scope.kind) {
    case "all":
      return true;
    case "container":
      return thing.name === scope.name || thing.id === scope.name;
    case "run":
      return thing.labels?.[RUN_LABEL] === scope.run;
    case "dead-owners":
      return thing.labels?.[HELD_LABEL] !== "true" && dead(owner);
  }
}

async function removeAll(
  things: readonly { name: string; remove: () => Promise<unknown> }[],
): Promise<string[]> {
  const results = await Promise.allSettled(
    things.map(async ({ name, remove }) => {
      await remove().catch((error: unknown) => {
        // Somebody else is just removing it.
        if (!isNotFound(error) && !isConflict(error)) throw engineError(error, name);
      });
      return name;
    }),
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}
