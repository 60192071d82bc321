import type { Engine, FindOptions } from "../engine/engine.ts";
import { findEngine } from "../engine/engine.ts";
import { reap } from "../engine/reaper.ts";
import type { ContainerDefinition } from "../exports/container-definition.ts";
import { ensureExports } from "../exports/examples.ts";
import { resolveImage } from "../image/resolve-image.ts";
import type { DiscoveredScenario } from "./discover.ts";
import { preloadVitest } from "./vitest-bridge.ts";

/** What scenarios boot from, made ready once for all workers. */
export interface Prepared {
  readonly engine: Engine;
  readonly image: string;
  readonly reference: boolean;
  /** Paths of the exports of each scenario. */
  readonly exports: ReadonlyMap<string, readonly string[]>;
}

/**
 * The engine, without what killed runs left on it; the image; the exports.
 * @throws PvhError of the classes usage and infra
 */
export async function prepareRun(
  scenarios: readonly DiscoveredScenario[],
  image: string | undefined,
  options: FindOptions,
): Promise<Prepared> {
  preloadVitest();
  const engine = await findEngine(options);
  const [{ ref }] = await Promise.all([
    resolveImage(engine, image, options),
    reap(engine, { kind: "dead-owners" }),
  ]);
  const exports = new Map<string, readonly string[]>();
  for (const { name, definition } of scenarios) {
    exports.set(name, await exportsFor(engine, definition.options.containers ?? [], options));
  }
  return { engine, image: ref, reference: image === undefined, exports };
}

async function exportsFor(
  engine: Engine,
  containers: readonly (string | ContainerDefinition)[],
  options: FindOptions,
): Promise<readonly string[]> {
  return containers.length === 0 ? [] : ensureExports(engine, containers, options);
}
