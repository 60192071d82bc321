import { globSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { PvhError } from "../errors.ts";
import { catalogue } from "./catalogue.ts";
import { collect } from "./collector.ts";
import type { ScenarioDefinition } from "./scenario-definition.ts";
import type { Selectable } from "./selection.ts";

/** The root of the clone. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

export interface DiscoveredScenario extends Selectable {
  readonly summary: string;
  /** Path relative to ROOT. */
  readonly file: string;
  readonly requires: readonly string[];
  readonly alone: boolean;
  readonly definition: ScenarioDefinition;
}

/**
 * The scenarios of `scenarios/<suite>/<name>.scenario.ts`, by suite and name. Nothing is booted.
 * @throws PvhError PVH_INTERNAL for a file that cannot be loaded or breaks a rule
 */
export function discover(folder = resolve(ROOT, "scenarios")): Promise<DiscoveredScenario[]> {
  // A module declares its scenario when it is loaded, and that happens once in a process.
  const known = discovered.get(folder) ?? discoverIn(folder);
  discovered.set(folder, known);
  return known;
}

const discovered = new Map<string, Promise<DiscoveredScenario[]>>();

async function discoverIn(folder: string): Promise<DiscoveredScenario[]> {
  const files = globSync("**/*.scenario.ts", { cwd: folder }).sort();
  const found: DiscoveredScenario[] = [];
  // One at a time: the collector belongs to the file that is being loaded.
  for (const file of files) found.push(await load(resolve(folder, file)));
  return found;
}

async function load(path: string): Promise<DiscoveredScenario> {
  const file = relative(ROOT, path);
  let definitions: ScenarioDefinition[];
  try {
    definitions = await collect(() => import(pathToFileURL(path).href));
  } catch (cause) {
    if (cause instanceof PvhError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PvhError("PVH_INTERNAL", `${file} cannot be loaded: ${why}`, { cause });
  }
  const [definition] = definitions;
  const name = basename(path, ".scenario.ts");
  if (definition === undefined || definitions.length > 1 || definition.name !== name) {
    throw new PvhError("PVH_INTERNAL", `${file} must declare one scenario, named '${name}'`, {
      hint: `it declares ${definitions.map((one) => `'${one.name}'`).join(", ") || "none"}`,
    });
  }
  const { summary, tags = [], requires = [], alone = false } = definition.options;
  return {
    name,
    suite: basename(dirname(path)),
    summary,
    tags,
    requires,
    alone,
    checks: definition.checks.map(({ id }) => ({ id, suite: catalogue().get(id)?.suite ?? "" })),
    file,
    definition,
  };
}
