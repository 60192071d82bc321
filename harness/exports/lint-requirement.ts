import { SAFE_NAME } from "../../broker/shared/formats/names.ts";
import { PLUGIN_TYPES } from "../../broker/shared/formats/services.ts";
import type { Report } from "./finding.ts";
import { isJsonObject } from "./json-value.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { EXTENSION_KEYS, lintExtensions } from "./lint-extensions.ts";
import { lintKeys } from "./lint-keys.ts";
import { lintKeyName } from "./lint-key-name.ts";
import { lintPlace } from "./lint-place.ts";

/** The service type a requirement asks for: its own, or that of the export it names. */
export function requiredType(
  item: JsonObject,
  types: ReadonlyMap<string, string>,
): string | undefined {
  const { name, type } = item;
  if (typeof type === "string") return type;
  return typeof name === "string" ? types.get(name) : undefined;
}

const KEYS = [
  "name",
  "type",
  "role",
  "interface",
  "target",
  "socket",
  "provider",
  ...EXTENSION_KEYS,
];

/** Findings on one requirement of run.json. */
export function lintRequirement(
  path: string,
  item: JsonValue,
  types: ReadonlyMap<string, string>,
  report: Report,
): void {
  if (typeof item === "string") {
    report({
      level: "error",
      code: "requirement-string",
      path,
      message: "Pantavisor 029-32 reads a string as a requirement without a name and fails",
      fix: `write { "name": ${JSON.stringify(item)}, "target": "/run/pv/services/….sock" }`,
    });
    return;
  }
  if (!isJsonObject(item)) return;
  lintKeys(path, item, KEYS, report);
  lintNames(path, item, report);
  lintType(path, item, report);
  const type = requiredType(item, types);
  lintTarget(path, item, type, report);
  lintExtensions(path, "requirement", item, type, report);
}

function lintNames(path: string, item: JsonObject, report: Report): void {
  for (const key of ["name", "role", "interface"]) {
    const value = item[key];
    if (typeof value !== "string") continue;
    lintKeyName(`${path}/${key}`, value, report);
    if (key === "interface" || SAFE_NAME.test(value)) continue;
    report({
      level: "error",
      code: "name-unsafe",
      path: `${path}/${key}`,
      message: `the broker refuses the ${key} ${JSON.stringify(value)}`,
      fix: "use 1 to 64 of A-Z a-z 0-9 _ . -",
    });
  }
}

function lintType(path: string, { type }: JsonObject, report: Report): void {
  const known: readonly string[] = PLUGIN_TYPES;
  if (typeof type !== "string" || known.includes(type)) return;
  report({
    level: "error",
    code: "type-unknown",
    path: `${path}/type`,
    message: `no plugin serves the type ${JSON.stringify(type)}`,
    fix: `use one of ${known.join(" ")}`,
  });
}

function lintTarget(
  path: string,
  { target, socket, interface: face }: JsonObject,
  type: string | undefined,
  report: Report,
): void {
  const isPath = typeof face === "string" && face.startsWith("/");
  const older = typeof socket === "string" ? "socket" : isPath ? "interface" : undefined;
  const place = target ?? (older === "socket" ? socket : isPath ? face : undefined);
  if (target === undefined && older !== undefined) {
    report({
      level: "warning",
      code: `target-as-${older}`,
      path: `${path}/${older}`,
      message: `Pantavisor 029-32 does not read ${older} as the place to inject at`,
      fix: "call it target",
    });
  }
  if (typeof place !== "string") {
    report({
      level: "error",
      code: "requirement-no-target",
      path,
      message: "the requirement does not say where to inject; 029-32 binds a path named null",
      fix: 'add "target": an absolute path in this container',
    });
    return;
  }
  lintPlace(`${path}/target`, "target", place, report);
  if (type === "drm" && /^\/run(\/|$)/.test(place)) {
    report({
      level: "error",
      code: "target-nodev",
      path: `${path}/target`,
      message: `${place} is on the nodev tmpfs at /run: the node could not be opened`,
      fix: "put device nodes below /dev",
    });
  }
}
