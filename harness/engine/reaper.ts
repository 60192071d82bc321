import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { PvhError } from "../errors.ts";
import { within } from "../within.ts";
import type { Engine } from "./engine.ts";
import { engineError } from "./engine-error.ts";
import { listContainers, listVolumes } from "./listed.ts";
import type { ListedContainer, ListedVolume } from "./listed.ts";
import { detach, loopDevicesBelow } from "./loop-devices.ts";
import type { LoopDevice } from "./loop-devices.ts";
import { isIn } from "./reap-scope.ts";
import type { ReapScope } from "./reap-scope.ts";
import { removeContainer, removeVolume } from "./removal.ts";
import type { Removal } from "./removal.ts";

/** Names of what was removed, and of what was not. */
export interface Reaped {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly loopDevices: readonly string[];
  /** Names of what somebody else removed meanwhile. */
  readonly gone: readonly string[];
  readonly left: readonly Left[];
}

/** Something of ours that is still on the engine, and why. */
export interface Left {
  readonly kind: "container" | "volume";
  readonly name: string;
  readonly why: string;
}

/** Milliseconds. */
const REAP_TIMEOUT = 60_000;
const LOOP_DEVICES_TIMEOUT = 2_000;
const LISTING_TIMEOUT = 15_000;
/** A busy engine may fail to kill a container in its own time; it is asked again. */
const PASSES = 3;
const PAUSE = 250;

/**
 * Remove containers and volumes of pvh, and detach loop devices that are left on their files.
 * Anything without pvh's labels is never touched.
 *
 * @param options.signal ends the removal; what is not removed by then is left. Default: a minute
 * @returns also what is left, so that it can be named
 * @throws PvhError PVH_ENGINE… when the engine does not list what there is
 */
export async function reap(
  engine: Engine,
  scope: ReapScope,
  { signal = AbortSignal.timeout(REAP_TIMEOUT) }: { readonly signal?: AbortSignal } = {},
): Promise<Reaped> {
  const loopDevices: string[] = [];
  const done = new Map<string, Removed>();
  for (let pass = 1; ; pass += 1) {
    const looked = look(engine, scope, signal);
    // If a later look fails, the leftovers of the passes before it are still reported.
    const found = await (pass === 1 ? looked : looked.catch(() => undefined));
    if (found === undefined) break;
    const devices = findLoopDevices(engine, found.volumes, signal);
    const results = await removeFound(engine.docker, found, devices, signal);
    for (const result of results) done.set(`${result.kind} ${result.name}`, result);
    loopDevices.push(...(await within(signal, devices.then(detach)).catch(() => [])));
    const failed = results.some(({ removal }) => isLeft(removal));
    if (!failed || pass === PASSES || signal.aborted) break;
    await delay(PAUSE, undefined, { signal }).catch(() => undefined);
  }
  const all = [...done.values()];
  const removed = (kind: Removed["kind"]): string[] =>
    all.flatMap((one) => (one.kind === kind && one.removal === "removed" ? [one.name] : []));
  return {
    containers: removed("container"),
    volumes: removed("volume"),
    loopDevices,
    gone: all.flatMap(({ name, removal }) => (removal === "gone" ? [name] : [])),
    left: all.flatMap(({ kind, name, removal }) =>
      isLeft(removal) ? [{ kind, name, why: removal.why }] : [],
    ),
  };
}

/** @throws PvhError PVH_ENGINE naming what is left */
export function demandRemoval(reaped: Reaped): Reaped {
  if (reaped.left.length === 0) return reaped;
  throw new PvhError("PVH_ENGINE", `not removed: ${describeLeft(reaped.left)}`, {
    hint: "pvh ps lists what there is; pvh down --all removes it",
  });
}

export function describeLeft(left: readonly Left[]): string {
  return left.map(({ kind, name, why }) => `${kind} ${name} (${why})`).join(", ");
}

interface Found {
  readonly containers: readonly ListedContainer[];
  readonly volumes: readonly ListedVolume[];
}

interface Removed {
  readonly kind: Left["kind"];
  readonly name: string;
  readonly removal: Removal;
}

const isLeft = (removal: Removal): removal is { readonly why: string } =>
  typeof removal === "object";

async function look({ docker }: Engine, scope: ReapScope, signal: AbortSignal): Promise<Found> {
  const listed = Promise.all([listContainers(docker), listVolumes(docker)]);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LISTING_TIMEOUT)]);
  const [all, volumes] = await within(limit, listed).catch((error: unknown) => {
    throw engineError(error, "looking for what pvh has made");
  });
  const containers = all.filter((container) =>
    isIn(scope, { ...container, unfinished: container.state === "created" }),
  );
  const mountedBy = (some: readonly ListedContainer[]): ReadonlySet<string> =>
    new Set(some.flatMap((container) => container.volumes));
  const ours = mountedBy(containers);
  const inUse = mountedBy(all.filter((container) => !containers.includes(container)));
  return {
    containers,
    volumes: volumes.filter(({ name, labels }) => {
      if (inUse.has(name)) return false;
      if (scope.kind === "container") return ours.has(name);
      return isIn(scope, { labels, unfinished: !ours.has(name) });
    }),
  };
}

/** Loop devices are the kernel's: only root on the engine's machine can let them go. */
function findLoopDevices(
  engine: Engine,
  volumes: Found["volumes"],
  signal: AbortSignal,
): Promise<LoopDevice[]> {
  if (!engine.sameMachine || process.getuid?.() !== 0) return Promise.resolve([]);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOP_DEVICES_TIMEOUT)]);
  const folders = volumes.map(({ mountpoint }) => mountpoint).filter((path) => path !== "");
  return within(limit, loopDevicesBelow(folders)).catch(() => []);
}

/**
 * Removes everything in parallel, but each volume only after the containers that use it, and
 * after its loop devices are known, because these are found by the volume's files.
 */
async function removeFound(
  docker: Docker,
  { containers, volumes }: Found,
  devices: Promise<unknown>,
  signal: AbortSignal,
): Promise<Removed[]> {
  const removals = containers.map(async ({ id, name }): Promise<Removed> => ({
    kind: "container",
    name,
    removal: await removeContainer(docker, id, signal),
  }));
  const emptied = volumes.map(async ({ name }): Promise<Removed> => {
    const users = containers.flatMap((container, index) =>
      container.volumes.includes(name) ? [removals[index]] : [],
    );
    await Promise.all([devices, ...users]);
    return { kind: "volume", name, removal: await removeVolume(docker, name, signal) };
  });
  return Promise.all([...removals, ...emptied]);
}
