import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { STATE_SPEC } from "../../broker/shared/formats/state.ts";
import { PvhError } from "../errors.ts";
import { shownPath } from "../shown-path.ts";
import type { ContainerDefinition } from "./container-definition.ts";
import { exampleNames, readContainerFolder, readExample } from "./container-folder.ts";
import type { ContainerFolder } from "./container-folder.ts";
import type { Finding } from "./finding.ts";
import { lintExport, lintInSteps } from "./lint-export.ts";
import type { Linted } from "./lint-export.ts";
import { lintRoot } from "./lint-root.ts";
import { configOf, fragmentOf } from "./manifest.ts";
import { readExport } from "./read-export.ts";
import { sha256Of } from "./write-export.ts";

/**
 * Findings on an export's file, on a folder in the layout of the examples, or on an example by
 * its name. Nothing is built: of a folder, the export that it would become is looked at.
 *
 * @throws PvhError PVH_BAD_EXPORT or PVH_USAGE when it cannot be read
 */
export async function lintPath(path: string, signal?: AbortSignal): Promise<Finding[]> {
  // Examples share one root file system, which has the programs of all.
  if ((await exampleNames()).includes(path)) {
    return lintDefinition((await readExample(path)).definition);
  }
  const isFolder = await stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (isFolder) return lintFolder(await readContainerFolder(path));
  return inBreaths(path, await readExport(path, signal ? { signal } : {}), signal);
}

/**
 * @throws PvhError PVH_USAGE naming each error in a container's folder, its file and the fix: nothing needs
 *         to boot to know them
 */
export async function demandSound(folder: string, content: ContainerFolder): Promise<void> {
  const errors = (await lintFolder(content)).filter(({ level }) => level === "error");
  if (errors.length === 0) return;
  const { name } = content.definition;
  // A misspelt key is the reason for one that is missing.
  errors.sort((a, b) => Number(b.code === "key-unknown") - Number(a.code === "key-unknown"));
  const lines = errors.map(({ path, message, fix }) => {
    // run.json is written from args.json.
    const file = path.replace(`${name}/`, "").replace(/^run\.json/, "args.json");
    return `${shownPath(join(resolve(folder), file))}: ${message}; ${fix}`;
  });
  throw new PvhError("PVH_USAGE", lines.join("\n"), {
    hint: `pvh exports lint ${shownPath(resolve(folder))}`,
  });
}

async function lintFolder(content: ContainerFolder): Promise<Finding[]> {
  return [...(await lintRoot(content)), ...lintDefinition(content.definition)];
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
