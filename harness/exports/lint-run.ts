import { RUN_SPEC, parseRunManifest } from "../../broker/formats/run-manifest.ts";
import type { Report } from "./finding.ts";
import { isJsonObject } from "./json-value.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { lintKeyName } from "./lint-key-name.ts";
import { lintRequirement, requiredType } from "./lint-requirement.ts";
import { lintTypes } from "./lint-types.ts";

/** Groups whose default restart policy is `system` (docs/pantavisor.md §1.6). */
const SYSTEM_GROUPS = ["data", "root", "platform"];
const BACKENDS = ["lxc", "runc", "wasm"];

/** Findings on `<name>/run.json`. */
export function lintRun(
  name: string,
  fragment: JsonObject,
  types: ReadonlyMap<string, string>,
  report: Report,
): void {
  const path = `${name}/run.json`;
  const run = fragment[path];
  lintTypes(path, () => parseRunManifest(run), report);
  if (!isJsonObject(run)) return;
  lintIdentity(name, path, run, report);
  lintFiles(name, path, run, fragment, report);
  const requirements = requirementsOf(run);
  for (const [at, requirement] of requirements) {
    lintRequirement(`${path}#${at}`, requirement, types, report);
  }
  lintPolicy(path, run, requirements, types, report);
}

function lintIdentity(name: string, path: string, run: JsonObject, report: Report): void {
  if (run["#spec"] !== RUN_SPEC) {
    report({
      level: "warning",
      code: "spec-unknown",
      path: `${path}#/#spec`,
      message: `#spec is ${JSON.stringify(run["#spec"])}`,
      fix: `write "${RUN_SPEC}"`,
    });
  }
  if (typeof run["name"] === "string" && run["name"] !== name) {
    report({
      level: "error",
      code: "name-mismatch",
      path: `${path}#/name`,
      message: `the folder is ${name}, the name ${JSON.stringify(run["name"])}: exports are lost`,
      fix: "use one name for both",
    });
  }
  lintKeyName(`${path}#/name`, name, report);
  const { group, type } = run;
  if (typeof group === "string") lintKeyName(`${path}#/group`, group, report);
  if (typeof type === "string" && !BACKENDS.includes(type)) {
    report({
      level: "error",
      code: "backend-unknown",
      path: `${path}#/type`,
      message: `nothing starts containers of type ${JSON.stringify(type)}`,
      fix: `use one of ${BACKENDS.join(" ")}`,
    });
  }
}

function lintFiles(
  name: string,
  path: string,
  run: JsonObject,
  fragment: JsonObject,
  report: Report,
): void {
  for (const key of ["config", "root-volume"]) {
    const value = run[key];
    const file = typeof value === "string" ? value.replace(/^dm:/, "") : undefined;
    if (file === undefined || `${name}/${file}` in fragment) continue;
    report({
      level: "error",
      code: "file-missing",
      path: `${path}#/${key}`,
      message: `${name}/${file} is not in the state`,
      fix: "add the object and its key",
    });
  }
}

function requirementsOf(run: JsonObject): [pointer: string, requirement: JsonValue][] {
  const services = run["services"];
  if (!isJsonObject(services)) return [];
  return ["required", "optional"].flatMap((kind) => {
    const list = services[kind];
    if (!Array.isArray(list)) return [];
    return list.map((item, index): [string, JsonValue] => [`/services/${kind}/${index}`, item]);
  });
}

/** Containers that wait for a device give up and end; that must not take the system along. */
function lintPolicy(
  path: string,
  run: JsonObject,
  requirements: readonly [string, JsonValue][],
  types: ReadonlyMap<string, string>,
  report: Report,
): void {
  const { group, restart_policy: policy = null, auto_recovery: recovery } = run;
  const system =
    policy === "system" ||
    (policy === null && typeof group === "string" && SYSTEM_GROUPS.includes(group));
  const device = requirements.some(
    ([, item]) => isJsonObject(item) && requiredType(item, types) === "drm",
  );
  if (!system || !device || recovery !== undefined) return;
  report({
    level: "warning",
    code: "crash-reboots",
    path: `${path}#/restart_policy`,
    message: "a crash of this container reboots the system: policy system and no auto_recovery",
    fix: 'set PV_RESTART_POLICY to "container", or PV_AUTO_RECOVERY',
  });
}
