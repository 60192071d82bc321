import type { Engine } from "../engine/engine.ts";
import { findEngine } from "../engine/find-engine.ts";
import type { ContainerDefinition } from "../exports/container-definition.ts";
import { bootSource } from "../exports/boot-source.ts";
import type { BootSource } from "../exports/boot-source.ts";
import { ensureExports } from "../exports/examples.ts";
import type { RunSettings } from "./run-settings.ts";

let engine: Promise<Engine> | undefined;

/** Paths of the exports of these containers, from a worker; made when they are not cached. */
export async function exportsOf(
  containers: readonly (string | ContainerDefinition)[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  engine ??= findEngine({ signal });
  return ensureExports(await engine, containers, { signal });
}

/** Image and exports of an appengine with these containers, from a worker. */
export async function bootSourceOf(
  settings: RunSettings,
  containers: readonly (string | ContainerDefinition)[],
  signal: AbortSignal,
): Promise<BootSource> {
  engine ??= findEngine({ signal });
  return bootSource(await engine, settings, containers, { signal });
}
