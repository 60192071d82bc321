import { existsSync, globSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { PvhError } from "../errors.ts";
import { setProjectFacts } from "../project-facts.ts";
import { positionOf } from "../run/source-position.ts";
import { propertyOf, readThrown } from "../thrown.ts";
import type { ProjectConfig } from "./config.ts";

/** A repository of the user's with scenarios of its own. */
export interface Project {
  /** Its configuration's folder. */
  readonly root: string;
  readonly config: ProjectConfig;
  /** Absolute paths of its scenario files, sorted. */
  readonly scenarios: readonly string[];
  /** Absolute path of its catalogue. */
  readonly catalogue: string | undefined;
}

const NAMES = ["pvh.config.ts", "pvh.config.mts", "pvh.config.js", "pvh.config.mjs"];
/** Milliseconds for the modules of a configuration. */
const DEADLINE = 10_000;

let known: { readonly from: string; readonly project: Promise<Project | undefined> } | undefined;

/**
 * The project of the nearest pvh.config.ts above the working directory, or of the file that PVH_CONFIG
 * names. With `PVH_CONFIG=none` there is none.
 *
 * @throws PvhError PVH_USAGE for a configuration that cannot be read
 */
export function currentProject(): Promise<Project | undefined> {
  const file = configFile(process.env["PVH_CONFIG"] ?? "", process.cwd());
  const from = file ?? "";
  if (known?.from !== from) {
    known = { from, project: file === undefined ? none() : readProject(file) };
  }
  return known.project;
}

function none(): Promise<undefined> {
  setProjectFacts(undefined);
  return Promise.resolve(undefined);
}

function configFile(given: string, folder: string): string | undefined {
  if (given === "none") return undefined;
  if (given === "") return nearestConfig(folder);
  const file = resolve(given);
  if (existsSync(file)) return file;
  throw new PvhError("PVH_USAGE", `the configuration ${given} does not exist`, {
    hint: "pvh init writes one; --config none uses none",
  });
}

function nearestConfig(folder: string): string | undefined {
  const found = NAMES.map((name) => join(folder, name)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  const above = dirname(folder);
  return above === folder ? undefined : nearestConfig(above);
}

async function readProject(file: string): Promise<Project> {
  // Loaded late: most commands run where there is no configuration, and its schema is costly to load.
  const { parseConfig } = await import("./config.ts");
  const root = dirname(file);
  // Messages about the configuration name files relative to it.
  setProjectFacts({ root, containers: {}, exports: [] });
  const config = parseConfig(await load(file), basename(file));
  const containers = containersIn(root, config);
  setProjectFacts({
    root,
    containers,
    exports: config.exports.flatMap((pattern) => filesOf(root, pattern, "exports")),
    ...(config.timeouts.check !== undefined && { checkTimeout: config.timeouts.check }),
  });
  const scenarios = config.scenarios.flatMap((pattern) => filesOf(root, pattern, "scenarios"));
  return {
    root,
    config,
    scenarios: [...new Set(scenarios)].sort(),
    catalogue: config.catalogue === undefined ? undefined : resolve(root, config.catalogue),
  };
}

async function load(file: string): Promise<unknown> {
  await import("./esm-typescript.ts");
  const late = Symbol("late");
  const timer = Promise.withResolvers<typeof late>();
  const running = setTimeout(() => timer.resolve(late), DEADLINE);
  try {
    const module: unknown = await Promise.race([import(pathToFileURL(file).href), timer.promise]);
    if (module === late) throw new Error(`it was not loaded in ${DEADLINE / 1000} s`);
    return propertyOf(module, "default");
  } catch (error) {
    const { message, stack = "" } = readThrown(error);
    const { at, what } = await positionOf(file, { message, stack });
    throw new PvhError("PVH_USAGE", `${at ?? basename(file)}: it cannot be loaded: ${what}`, {
      cause: error,
    });
  } finally {
    clearTimeout(running);
  }
}

/** Folders with a container.json in the folders that the configuration names, by name. */
function containersIn(root: string, { containers }: ProjectConfig): Record<string, string> {
  const found: Record<string, string> = {};
  for (const folder of containers ?? ["containers"]) {
    const path = resolve(root, folder);
    if (!isFolder(path)) {
      if (containers === undefined) continue;
      throw new PvhError("PVH_USAGE", `pvh.config.ts: containers: ${folder} is no folder`);
    }
    for (const name of readdirSync(path).sort()) {
      const container = join(path, name);
      if (!existsSync(join(container, "container.json"))) continue;
      if (found[name] !== undefined) {
        const both = `${found[name]} and ${container}`;
        throw new PvhError("PVH_USAGE", `two containers are named ${name}: ${both}`);
      }
      found[name] = container;
    }
  }
  return found;
}

/** A line for a selection that is empty, with what makes it so where that is the configuration. */
export async function nothingSelected(): Promise<string> {
  const project = await currentProject();
  if (project === undefined || project.scenarios.length > 0 || project.config.matrix) {
    return "nothing selected\n  -> pvh ls lists the scenarios";
  }
  const patterns = project.config.scenarios.join(", ");
  return `nothing selected: no file of the project matches ${patterns}, the scenarios of its pvh.config.ts\n  -> pvh new scenario NAME writes one`;
}

/** A pattern may match nothing; a plain path names a file. */
function filesOf(root: string, pattern: string, key: string): string[] {
  if (!/[*?[{]/.test(pattern)) {
    const path = resolve(root, pattern);
    if (existsSync(path)) return [path];
    throw new PvhError("PVH_USAGE", `pvh.config.ts: ${key}: ${pattern} does not exist`);
  }
  const exclude = (name: string): boolean => /(^|\/)(node_modules|\.pvh|\.git)$/.test(name);
  return globSync(pattern, { cwd: root, exclude }).map((path) => resolve(root, path));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
