import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import type * as Rows from "../catalogue/catalogue.ts";
import type { Failure } from "../../reports/events.ts";
import { failureOf } from "../failure.ts";
import type { LoadedFile } from "./file-loader.ts";
import { MODULE, ROOT } from "../root.ts";
import { unknownName } from "./selection.ts";
import { ScenarioIndex } from "./scenario-index.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";

/** The one check of a file that declares no scenario: it fails. */
export const FILE_CHECK = "scenario.file";

/** Folders of scenarios: those of the product, and those to be copied. */
const FOLDERS = ["scenarios", "examples"].map((folder) => resolve(ROOT, folder));

/**
 * The scenarios of `<suite>/<name>.scenario.ts`, by suite and name. Nothing is booted.
 *
 * The files are loaded in processes of their own, which may hang or end. A file that is wrong is
 * discovered as a scenario whose one check cannot run, with the reason.
 */
export function discover(folder?: string): Promise<DiscoveredScenario[]> {
  const folders = folder === undefined ? FOLDERS : [folder];
  const key = folders.join("\0");
  const known = discovered.get(key) ?? discoverFiles(pathsIn(folders));
  discovered.set(key, known);
  return known;
}

/** Problems of the files and of the catalogue rows that their checks need, a line each. */
export function problemsOf(scenarios: readonly DiscoveredScenario[]): string[] {
  const problems = scenarios.flatMap(({ checks }) =>
    checks.flatMap(({ problem }) => problem ?? []),
  );
  return [...new Set(problems.map(({ message }) => message))];
}

/** The file declares no scenario that can run. */
export function isBroken({ checks }: DiscoveredScenario): boolean {
  return checks[0]?.id === FILE_CHECK;
}

const discovered = new Map<string, Promise<DiscoveredScenario[]>>();

/**
 * The scenarios with these names, in their order; no other file is loaded.
 * @throws PvhError PVH_USAGE with near names for one that does not exist
 */
export async function discoverNamed(names: readonly string[]): Promise<DiscoveredScenario[]> {
  const paths = pathsIn(FOLDERS);
  const found = names.map((name) => {
    const path = paths.find((one) => nameOf(one) === name);
    if (path === undefined) throw unknownName("scenario", name, paths.map(nameOf));
    return path;
  });
  return discoverFiles(found);
}

/** Absolute paths of the scenario files, sorted within each folder. */
function pathsIn(folders: readonly string[]): string[] {
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(`.scenario${MODULE}`))
        .sort()
        .map((file) => resolve(folder, file)),
    );
}

function nameOf(path: string): string {
  return basename(path).replace(/\.scenario\.[cm]?[jt]s$/, "");
}

async function discoverFiles(paths: readonly string[]): Promise<DiscoveredScenario[]> {
  const isOurs = paths.every((path) => FOLDERS.some((folder) => path.startsWith(`${folder}/`)));
  const index = isOurs ? new ScenarioIndex(ROOT) : undefined;
  const known = new Map(
    paths.flatMap((path) => {
      const scenario = index?.get(path);
      return scenario === undefined ? [] : [[path, scenario] as const];
    }),
  );
  const loaded = await loadFiles(paths.filter((path) => !known.has(path)));
  index?.keep(new Map([...loaded].filter(([, scenario]) => problemsOf([scenario]).length === 0)));
  return paths.flatMap((path) => known.get(path) ?? loaded.get(path) ?? []);
}

async function loadFiles(paths: readonly string[]): Promise<Map<string, DiscoveredScenario>> {
  if (paths.length === 0) return new Map();
  // Loaded late: a command that knows the scenarios from the index needs neither.
  const { FileLoader } = await import("./file-loader.ts");
  const rows = await import("../catalogue/catalogue.ts");
  await using loader = new FileLoader();
  const loading = paths.map(async (path) => {
    const file = await loader.load(path, relative(ROOT, path));
    return [path, scenarioOf(path, file, rows)] as const;
  });
  return new Map(await Promise.all(loading));
}

function scenarioOf(
  path: string,
  loaded: LoadedFile,
  { catalogue, rowProblem }: Pick<typeof Rows, "catalogue" | "rowProblem">,
): DiscoveredScenario {
  const file = relative(ROOT, path);
  const name = nameOf(path);
  const suite = basename(dirname(path));
  if ("failure" in loaded) return broken(name, suite, file, loaded.failure);
  const [definition] = loaded.definitions;
  if (definition === undefined || loaded.definitions.length > 1 || definition.name !== name) {
    const declared = loaded.definitions.map((one) => `'${one.name}'`).join(", ") || "none";
    return broken(
      name,
      suite,
      file,
      failureOf(
        "PVH_BAD_SCENARIO",
        `${file}:1:1: it must declare one scenario, named '${name}', and declares ${declared}`,
      ),
    );
  }
  const { summary, tags, requires, alone, shares, boot, containers } = definition;
  const checks = definition.checks.map(({ id, title }) => {
    const problem = rowProblem(id);
    return {
      id,
      title,
      suite: catalogue().get(id)?.suite ?? suite,
      ...(problem !== undefined && { problem }),
    };
  });
  const shared = shares === undefined ? {} : { shares };
  return { name, suite, summary, tags, requires, alone, ...shared, boot, containers, checks, file };
}

function broken(name: string, suite: string, file: string, problem: Failure): DiscoveredScenario {
  const title = "the scenario's file can be loaded";
  return {
    name,
    suite,
    file,
    summary: "its file is wrong",
    tags: [],
    requires: [],
    alone: false,
    boot: "",
    containers: [],
    checks: [{ id: FILE_CHECK, title, suite, problem }],
  };
}
