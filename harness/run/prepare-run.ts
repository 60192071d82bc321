import { isEngineGone } from "../engine/engine-error.ts";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { lackOfRights } from "../engine/engine-rights.ts";
import { findEngines } from "../engine/find-engine.ts";
import { removeLeftovers } from "../engine/leftovers.ts";
import { PvhError } from "../errors.ts";
import { bootSource } from "../exports/boot-source.ts";
import type { BootSource } from "../exports/boot-source.ts";
import { ensureBrokerImage } from "../image/broker-image.ts";
import { imageAbilities } from "../image/image-abilities.ts";
import type { ImageAbilities } from "../image/image-abilities.ts";
import { resolveImage } from "../image/resolve-image.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";
import type { Failure } from "../../reports/events.ts";
import { toFailure } from "../failure.ts";
import { sharesOf } from "./shares.ts";

/** Engine, image and exports that scenarios boot from, made ready once for all workers. */
export interface Prepared {
  readonly engine: Engine;
  /** Further engines, on which the same is ready. */
  readonly others: readonly Engine[];
  readonly image: string;
  /** Image to boot for it. */
  readonly bootImage: string;
  readonly broker: BrokerChoice;
  /** The engine's id of the image. */
  readonly imageId?: string;
  readonly reference: boolean;
  readonly abilities: ImageAbilities;
  /** Image and exports of each scenario. */
  readonly sources: ReadonlyMap<string, BootSource>;
  /** Image and exports of each share, by name. */
  readonly shared: ReadonlyMap<string, BootSource>;
  /** Reasons why scenarios cannot run, by name. */
  readonly failures: ReadonlyMap<string, Failure>;
  /** Things that this machine lacks, by the name of the scenario that is skipped for it. */
  readonly missing: ReadonlyMap<string, string>;
}

export const BROKERS = ["native", "reference"] as const;
export type BrokerChoice = (typeof BROKERS)[number];

/** Image and broker that are to be judged. */
export interface Target {
  /** Image on the engine, or a docker save tarball; undefined for the reference. */
  readonly image?: string | undefined;
  /** Whose pv-xconnect mediates; default: the image's own. */
  readonly broker?: BrokerChoice;
}

/**
 * The engine, without what killed runs left on it; the image; the exports. A scenario whose
 * exports cannot be made takes no other with it.
 *
 * @throws PvhError of the classes usage and infra
 */
export async function prepareRun(
  scenarios: readonly DiscoveredScenario[],
  target: Target,
  options: FindOptions,
): Promise<Prepared> {
  const [first, ...others] = await findEngines(options);
  for (const { kind } of [first, ...others]) {
    const lacking = kind === undefined ? undefined : lackOfRights(kind);
    if (lacking !== undefined) options.progress?.(lacking);
  }
  const prepared = await prepareOn(first, scenarios, target, options);
  for (const engine of others) {
    const same = await prepareOn(engine, scenarios, target, options);
    if (same.imageId === prepared.imageId) continue;
    const images = `${prepared.imageId ?? "?"} on ${first.host}, ${same.imageId ?? "?"} on ${engine.host}`;
    throw new PvhError("PVH_USAGE", `the engines have different images: ${images}`, {
      hint: "load the same image into each of them",
    });
  }
  return { ...prepared, others };
}

async function prepareOn(
  engine: Engine,
  scenarios: readonly DiscoveredScenario[],
  { image, broker = "native" }: Target,
  options: FindOptions,
): Promise<Prepared> {
  const [{ ref, id, bootImage: own, reference }] = await Promise.all([
    resolveImage(engine, image, options),
    removeLeftovers(engine, options),
  ]);
  const bootImage = broker === "native" ? own : await ensureBrokerImage(engine, own, options);
  const target = { image: bootImage, reference };
  const abilities = reference ? {} : await imageAbilities(engine, bootImage, options);
  const sources = new Map<string, BootSource>();
  const shared = new Map<string, BootSource>();
  const failures = new Map<string, Failure>();
  const missing = new Map<string, string>();
  const prepare = async (
    containers: DiscoveredScenario["containers"],
    names: readonly string[],
    keep: (source: BootSource) => void,
  ): Promise<void> => {
    try {
      keep(await bootSource(engine, target, containers, options));
    } catch (error) {
      if (options.signal?.aborted === true || isOfAll(error)) throw error;
      for (const name of names) {
        if (isLacking(error)) missing.set(name, error.message);
        else failures.set(name, preparationFailure(error));
      }
    }
  };
  for (const { name, containers } of scenarios) {
    await prepare(containers, [name], (source) => sources.set(name, source));
  }
  // Images other than the reference get an appengine for each scenario: a reset would trust them.
  const sharing = reference ? sharesOf(scenarios.filter(({ name }) => sources.has(name))) : [];
  for (const [share, { members, containers, problem }] of sharing) {
    if (problem === undefined) {
      await prepare(containers, members, (source) => shared.set(share, source));
    } else for (const name of members) failures.set(name, problem);
  }
  const ready = { engine, others: [], image: ref, bootImage, broker, reference, imageId: id };
  return { ...ready, abilities, sources, shared, failures, missing };
}

/**
 * A failed preparation as a failure of the record: nothing of the product has been tried yet, so
 * that whatever timed out in it is the machine's fault. A mistake in the command line or in a
 * file stays the user's, a bug of pvh stays one.
 */
export function preparationFailure(error: unknown): Failure {
  const failure = toFailure(error);
  const isBug = failure.class === "harness" && failure.code === "PVH_INTERNAL";
  if (isBug || failure.class === "usage" || failure.class === "infra") return failure;
  return {
    ...failure,
    class: "infra",
    code: "PVH_PREPARE",
    message: `the preparation failed: ${failure.message}`,
  };
}

function isLacking(error: unknown): error is PvhError {
  return error instanceof PvhError && error.code === "PVH_CAPABILITY";
}

/** True when the error keeps every scenario from being prepared. */
function isOfAll(error: unknown): boolean {
  if (isEngineGone(error)) return true;
  return error instanceof PvhError && error.code === "PVH_NO_SPACE";
}
