import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { STATE_SPEC } from "../../broker/shared/formats/state.ts";
import { PvhError } from "../errors.ts";
import { projectFacts } from "../project-facts.ts";
import { shownPath } from "../shown-path.ts";
import type { ContainerDefinition } from "./container-definition.ts";
import { exampleNames, readContainerFolder, readExample } from "./container-folder.ts";
import type { ContainerFolder } from "./container-folder.ts";
import type { Finding } from "./finding.ts";
import { lintExport, lintInSteps } from "./lint-export.ts";
import type { Linted } from "./lint-export.ts";
import { lintRoot } from "./lint-root.ts";
import { pathOfPointer, placeOf } from "./json-place.ts";
import { argumentPath, configOf, fragmentOf } from "./manifest.ts";
import { readExport } from "./read-export.ts";
import { sha256Of } from "./write-export.ts";

/**
 * Findings on an export's file, on a container's folder, or on an example or a container of the
 * project by its name. Nothing is built: of a folder, the export that it would become is looked at.
 *
 * @throws PvhError PVH_BAD_EXPORT or PVH_USAGE when it cannot be read
 */
export async function lintPath(path: string, signal?: AbortSignal): Promise<Finding[]> {
  // Examples share one root file system, which has the programs of all.
  if ((await exampleNames()).includes(path)) {
    return lintDefinition((await readExample(path)).definition);
  }
  const folder = projectFacts()?.containers[path] ?? path;
  const isFolder = await stat(folder).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (isFolder) return lintFolder(folder, await readContainerFolder(folder));
  return inBreaths(path, await readExport(path, signal ? { signal } : {}), signal);
}

/**
 * @throws PvhError PVH_USAGE naming each error in a container's folder, its file and the fix: nothing needs
 *         to boot to know them
 */
export async function demandSound(folder: string, content: ContainerFolder): Promise<void> {
  const errors = (await lintFolder(folder, content)).filter(({ level }) => level === "error");
  if (errors.length === 0) return;
  // A misspelt key is the reason for one that is missing.
  errors.sort((a, b) => Number(b.code === "key-unknown") - Number(a.code === "key-unknown"));
  const lines = errors.map(
    ({ at, message, fix }) => `${at ?? shownPath(folder)}: ${message}; ${fix}`,
  );
  throw new PvhError("PVH_USAGE", lines.join("\n"), {
    hint: `pvh exports lint ${shownPath(resolve(folder))}`,
  });
}

async function lintFolder(folder: string, content: ContainerFolder): Promise<Finding[]> {
  const findings = [...(await lintRoot(content)), ...lintDefinition(content.definition)];
  const { name } = content.definition;
  return Promise.all(
    findings.map(async (one) => ({ ...one, at: await placeInFolder(folder, name, one.path) })),
  );
}

/** The file of a container's folder that is wrong, with line and column where they can be told. */
async function placeInFolder(folder: string, name: string, path: string): Promise<string> {
  const [, key = "", pointer = ""] = /^([^#]*)#?(.*)$/s.exec(path.replace(`${name}/`, "")) ?? [];
  const steps = pathOfPointer(pointer);
  if (key !== "run.json") return placeInFile(join(folder, key), steps);
  // It is written from args.json and container.json.
  const argument = argumentPath(steps);
  return argument === undefined
    ? placeInFile(join(folder, "container.json"), [])
    : placeInFile(join(folder, "args.json"), argument);
}

async function placeInFile(file: string, path: readonly string[]): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return `${shownPath(resolve(file))}${await placeOf(text, path)}`;
}

/** Milliseconds after which others get their turn, a signal of the user's among them. */
const BREATH = 50;

async function inBreaths(path: string, content: Linted, signal?: AbortSignal): Promise<Finding[]> {
  const steps = lintInSteps(content);
  let since = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - since < BREATH) continue;
    await setImmediate();
    if (signal?.aborted === true)
      throw new PvhError("PVH_ABORTED", `cancelled while linting ${path}`);
    since = performance.now();
  }
}

function lintDefinition(definition: ContainerDefinition): Finding[] {
  const conf = sha256Of(configOf(definition));
  const root = definition.module === undefined ? sha256Of("not built") : undefined;
  const fragment = { "#spec": STATE_SPEC, ...fragmentOf(definition, { conf, root }) };
  const objects = new Map([conf, root ?? conf].map((sha256) => [sha256, 0]));
  const findings = lintExport({ fragment, objects, ignored: [] });
  if (!("services" in definition.args)) return findings;
  const older: Finding = {
    level: "warning",
    code: "args-older-shape",
    path: "args.json#/services",
    message: "pvr does not read services here; pvh renders it as PV_SERVICES_REQUIRED",
    fix: "write PV_SERVICES_REQUIRED, and target for socket",
  };
  return [older, ...findings];
}
