import type { Group } from "../../broker/shared/formats/groups.ts";
import {
  CONTAINER_TYPES,
  RUN_SPEC,
  parseRunManifest,
} from "../../broker/shared/formats/run-manifest.ts";
import type { Report } from "./finding.ts";
import { isJsonObject } from "./json-value.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { lintGuest } from "./lint-guest.ts";
import { lintKeyName } from "./lint-key-name.ts";
import { lintRequirement, requiredType } from "./lint-requirement.ts";
import { lintTypes } from "./lint-types.ts";

/**
 * Findings on `<name>/run.json`.
 *
 * @param group the container's, where it is known
 */
export function lintRun(
  name: string,
  fragment: JsonObject,
  types: ReadonlyMap<string, string>,
  group: Group | undefined,
  report: Report,
): void {
  const path = `${name}/run.json`;
  const run = fragment[path];
  lintTypes(path, () => parseRunManifest(run), report);
  if (!isJsonObject(run)) return;
  lintIdentity(name, path, run, report);
  lintFiles(name, path, run, fragment, report);
  lintGuest(name, fragment, run, report);
  const requirements = requirementsOf(run);
  for (const [at, requirement] of requirements) {
    lintRequirement(`${path}#${at}`, requirement, types, report);
  }
  lintPolicy(path, run, requirements, types, group, report);
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
      message: `the folder is ${name}, but the name is ${JSON.stringify(run["name"])}: exports are lost`,
      fix: "use one name for both",
    });
  }
  lintKeyName(`${path}#/name`, name, report);
  const { group, type } = run;
  if (typeof group === "string") lintKeyName(`${path}#/group`, group, report);
  const known: readonly string[] = CONTAINER_TYPES;
  if (typeof type === "string" && !known.includes(type)) {
    report({
      level: "error",
      code: "backend-unknown",
      path: `${path}#/type`,
      message: `no runtime starts containers of type ${JSON.stringify(type)}`,
      fix: `use one of ${known.join(" ")}`,
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

/** A container that waits in vain for a device ends, which must not reboot the system. */
function lintPolicy(
  path: string,
  run: JsonObject,
  requirements: readonly [string, JsonValue][],
  types: ReadonlyMap<string, string>,
  group: Group | undefined,
  report: Report,
): void {
  const policy = run["restart_policy"] ?? group?.restart_policy;
  const recovery = run["auto_recovery"] ?? group?.auto_recovery;
  const device = requirements.some(
    ([, item]) => isJsonObject(item) && requiredType(item, types) === "drm",
  );
  if (policy !== "system" || !device || recovery !== undefined) return;
  report({
    level: "warning",
    code: "crash-reboots",
    path: `${path}#/restart_policy`,
    message: "a crash of this container reboots the system: policy system and no auto_recovery",
    fix: 'set PV_RESTART_POLICY to "container", or PV_AUTO_RECOVERY',
  });
}
