import type { Engine } from "../engine/engine.ts";
import { findEngine } from "../engine/find-engine.ts";
import type { ContainerDefinition } from "../exports/container-definition.ts";
import { ensureExports } from "../exports/examples.ts";

let engine: Promise<Engine> | undefined;

/** Paths of the exports of these containers, from a worker; made when they are not cached. */
export async function exportsOf(
  containers: readonly (string | ContainerDefinition)[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  engine ??= findEngine({ signal });
  return ensureExports(await engine, containers, { signal });
}
