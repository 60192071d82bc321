import type { Engine } from "../engine/engine.ts";
import { findEngine, knownEngine } from "../engine/find-engine.ts";
import type { ContainerDefinition } from "../exports/container-definition.ts";
import { bootSource } from "../exports/boot-source.ts";
import type { BootSource } from "../exports/boot-source.ts";
import { ensureExports } from "../exports/examples.ts";
import type { RunSettings } from "./run-settings.ts";

let found: Promise<Engine> | undefined;

function engineOf(settings: Pick<RunSettings, "engine">, signal: AbortSignal): Promise<Engine> {
  const { engine } = settings;
  found ??= engine === undefined ? findEngine({ signal }) : Promise.resolve(knownEngine(engine));
  return found;
}

/** Paths of the exports of these containers, from a worker; made when they are not cached. */
export async function exportsOf(
  containers: readonly (string | ContainerDefinition)[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  return ensureExports(await engineOf({}, signal), containers, { signal });
}

/** Image and exports of an appengine with these containers, from a worker. */
export async function bootSourceOf(
  settings: RunSettings,
  containers: readonly (string | ContainerDefinition)[],
  signal: AbortSignal,
): Promise<BootSource> {
  return bootSource(await engineOf(settings, signal), settings, containers, { signal });
}
