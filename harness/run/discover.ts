import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type * as Rows from "../catalogue/catalogue.ts";
import type { Failure } from "../../reports/events.ts";
import { failureOf } from "../failure.ts";
import type { LoadedFile } from "./file-loader.ts";
import { projectFacts } from "../project-facts.ts";
import { currentProject } from "../project/project.ts";
import { MODULE, ROOT } from "../root.ts";
import { shownPath } from "../shown-path.ts";
import { refuseStrangers } from "./entered-containers.ts";
import { refuseMissing } from "./known-containers.ts";
import { unknownName } from "./selection.ts";
import { ScenarioIndex } from "./scenario-index.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";

/** The one check of a file that declares no scenario: it fails. */
export const FILE_CHECK = "scenario.file";

/** Folders of scenarios that pvh brings: those of the product, and those to be copied. */
const FOLDERS = ["scenarios", "examples"].map((folder) => resolve(ROOT, folder));

/** A scenario file, and whether its checks have to be rows of the catalogue. */
interface ScenarioFile {
  readonly path: string;
  readonly onlyRows: boolean;
}

/**
 * The scenarios of `<suite>/<name>.scenario.ts`, by suite and name: those of the user's project, else
 * those that pvh brings; both where the project asks for it. Nothing is booted.
 *
 * The files are loaded in processes of their own, which may hang or end. A file that is wrong is
 * discovered as a scenario whose one check cannot run, with the reason.
 *
 * @param folder of scenario files, instead
 */
export function discover(folder?: string): Promise<DiscoveredScenario[]> {
  const key = folder ?? "";
  const known = discovered.get(key) ?? scenarioFiles(folder).then(discoverFiles);
  discovered.set(key, known);
  return known;
}

async function scenarioFiles(folder?: string): Promise<ScenarioFile[]> {
  if (folder !== undefined) return pathsIn([folder]).map(ofCatalogue);
  const project = await currentProject();
  if (project === undefined) return pathsIn(FOLDERS).map(ofCatalogue);
  const { useCatalogue } = await import("../catalogue/catalogue.ts");
  if (project.catalogue !== undefined) useCatalogue(project.catalogue);
  const own = project.scenarios.map((path) => ({ path, onlyRows: false }));
  return project.config.matrix ? [...own, ...pathsIn(FOLDERS).map(ofCatalogue)] : own;
}

function ofCatalogue(path: string): ScenarioFile {
  return { path, onlyRows: true };
}

/**
 * Problems of the files and of the catalogue rows that their checks need: a line each, with its hint below.
 * @param others more of them
 */
export function problemsOf(
  scenarios: readonly Pick<DiscoveredScenario, "checks">[],
  others: readonly Failure[] = [],
): string[] {
  const problems = scenarios.flatMap(({ checks }) =>
    checks.flatMap(({ problem }) => problem ?? []),
  );
  const told = [...others, ...problems].map(({ message, hint }) =>
    hint === undefined ? message : `${message}\n  -> ${hint}`,
  );
  return [...new Set(told)];
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
  const files = await scenarioFiles();
  const found = names.flatMap((name) => {
    const those = files.filter(({ path }) => nameOf(path) === name);
    if (those.length > 0) return those;
    throw unknownName(
      "scenario",
      name,
      files.map(({ path }) => nameOf(path)),
    );
  });
  return discoverFiles(found);
}

/** Absolute paths of the scenario files, sorted within each folder. */
function pathsIn(folders: readonly string[]): string[] {
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".scenario.ts") || file.endsWith(`.scenario${MODULE}`))
        .sort()
        .map((file) => resolve(folder, file)),
    );
}

function nameOf(path: string): string {
  return basename(path).replace(/\.scenario\.[cm]?[jt]s$/, "");
}

async function discoverFiles(files: readonly ScenarioFile[]): Promise<DiscoveredScenario[]> {
  const declared = refuseTwice(await readFiles(files));
  const known = await Promise.all(declared.map(refuseMissing));
  return known.map(refuseStrangers);
}

/** Declarations of the files. The index holds those of pvh's own: a project's may import anything. */
async function readFiles(files: readonly ScenarioFile[]): Promise<DiscoveredScenario[]> {
  const isOurs = ({ path }: ScenarioFile): boolean =>
    FOLDERS.some((folder) => path.startsWith(`${folder}/`));
  const index = files.some(isOurs) ? new ScenarioIndex(ROOT) : undefined;
  const known = new Map(
    files.filter(isOurs).flatMap(({ path }) => {
      const scenario = index?.get(path);
      return scenario === undefined ? [] : [[path, scenario] as const];
    }),
  );
  const loaded = await loadFiles(files.filter(({ path }) => !known.has(path)));
  const ours = new Set(files.filter(isOurs).map(({ path }) => path));
  index?.keep(
    new Map([...loaded].filter(([path, one]) => ours.has(path) && problemsOf([one]).length === 0)),
  );
  return files.flatMap(({ path }) => known.get(path) ?? loaded.get(path) ?? []);
}

/** A name is that of one scenario: in the record, on the command line, in a run directory. */
function refuseTwice(scenarios: readonly DiscoveredScenario[]): DiscoveredScenario[] {
  const byName = Map.groupBy(scenarios, ({ name }) => name);
  return [...byName].flatMap(([name, those]) => {
    const [first, ...others] = those;
    if (first === undefined || others.length === 0) return those;
    const where = those.map(({ file }) => file).join(" and ");
    const problem = failureOf(
      "PVH_BAD_SCENARIO",
      `${first.file}:1:1: there are two scenarios of the name '${name}': ${where}`,
      "rename one of the files, and the scenario in it",
    );
    return [broken(name, first.suite, first.path, problem)];
  });
}

async function loadFiles(files: readonly ScenarioFile[]): Promise<Map<string, DiscoveredScenario>> {
  if (files.length === 0) return new Map();
  // Loaded late: a command that knows the scenarios from the index needs neither.
  const { FileLoader } = await import("./file-loader.ts");
  const rows = await import("../catalogue/catalogue.ts");
  await using loader = new FileLoader();
  const loading = files.map(async (file) => {
    const { path, onlyRows } = file;
    const declared = await loader.load(path, shownPath(path), onlyRows);
    return [path, scenarioOf(file, declared, rows)] as const;
  });
  return new Map(await Promise.all(loading));
}

function scenarioOf(
  { path, onlyRows }: ScenarioFile,
  loaded: LoadedFile,
  { catalogue, rowProblem }: Pick<typeof Rows, "catalogue" | "rowProblem">,
): DiscoveredScenario {
  const file = shownPath(path);
  const name = nameOf(path);
  const suite = basename(dirname(path));
  if ("failure" in loaded) return broken(name, suite, path, loaded.failure);
  const [definition] = loaded.definitions;
  if (definition === undefined || loaded.definitions.length > 1 || definition.name !== name) {
    const declared = loaded.definitions.map((one) => `'${one.name}'`).join(", ") || "none";
    return broken(
      name,
      suite,
      path,
      failureOf(
        "PVH_BAD_SCENARIO",
        `${file}:1:1: it must declare one scenario, named '${name}', and declares ${declared}`,
      ),
    );
  }
  const { summary, tags, requires, alone, shares, boot } = definition;
  const given = onlyRows ? [] : (projectFacts()?.exports ?? []);
  const containers = [...definition.containers, ...given];
  const checks = definition.checks.map((check) => {
    const { id } = check;
    const problem = rowProblem(id, onlyRows);
    return {
      ...check,
      suite: catalogue().get(id)?.suite ?? suite,
      ...(problem !== undefined && { problem }),
    };
  });
  const shared = shares === undefined ? {} : { shares };
  const at = { file, path };
  return {
    name,
    suite,
    summary,
    tags,
    requires,
    alone,
    ...shared,
    boot,
    containers,
    checks,
    ...at,
  };
}

function broken(name: string, suite: string, path: string, problem: Failure): DiscoveredScenario {
  const title = "the scenario's file can be loaded";
  return {
    name,
    suite,
    file: shownPath(path),
    path,
    summary: "its file is wrong",
    tags: [],
    requires: [],
    alone: false,
    boot: "",
    containers: [],
    checks: [{ id: FILE_CHECK, title, suite, problem }],
  };
}
