import { SAFE_NAME } from "../../broker/shared/formats/names.ts";
import {
  PLUGIN_TYPES,
  parseServices,
  serviceExport,
} from "../../broker/shared/formats/services.ts";
import type { Report } from "./finding.ts";
import { isJsonObject } from "./json-value.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { EXTENSION_KEYS, lintExtensions } from "./lint-extensions.ts";
import { lintPlace } from "./lint-place.ts";
import { lintTypes } from "./lint-types.ts";
import { lintKeys } from "./lint-keys.ts";
import { lintKeyName } from "./lint-key-name.ts";

const KEYS = [
  ...new Set([
    ...Object.keys(serviceExport.shape),
    ...EXTENSION_KEYS,
    ...["bus", "owns", "role", "allow"],
  ]),
];

/** Findings on one services.json; undefined means that the container exports nothing. */
export function lintServices(path: string, document: JsonValue | undefined, report: Report): void {
  if (document === undefined) return;
  lintTypes(path, () => parseServices(document), report);
  listOf(document).forEach((entry, index) => {
    if (!isJsonObject(entry)) return;
    const at = `${path}#${Array.isArray(document) ? "" : "/services"}/${index}`;
    lintKeys(at, entry, KEYS, report);
    lintName(at, entry, report);
    lintType(at, entry, report);
    lintSocket(at, entry, report);
    const { type } = entry;
    lintExtensions(at, "export", entry, typeof type === "string" ? type : undefined, report);
  });
}

/** Name → type of everything the containers of this fragment export. */
export function exportedTypes(fragment: JsonObject): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  for (const [key, document] of Object.entries(fragment)) {
    const owner = /^([^/]+)\/services\.json$/.exec(key)?.[1];
    if (owner === undefined || !Object.hasOwn(fragment, `${owner}/run.json`)) continue;
    for (const entry of listOf(document)) {
      if (!isJsonObject(entry)) continue;
      const { name, type } = entry;
      if (typeof name === "string" && typeof type === "string") types.set(name, type);
    }
  }
  return types;
}

export function listOf(document: JsonValue): JsonValue[] {
  const list = isJsonObject(document) ? document["services"] : document;
  return Array.isArray(list) ? list : [];
}

function lintName(at: string, { name }: JsonObject, report: Report): void {
  if (typeof name !== "string") return;
  lintKeyName(`${at}/name`, name, report);
  if (SAFE_NAME.test(name)) return;
  report({
    level: "error",
    code: "name-unsafe",
    path: `${at}/name`,
    message: `the broker refuses a service named ${JSON.stringify(name)}`,
    fix: "use 1 to 64 of A-Z a-z 0-9 _ . -",
  });
}

function lintType(at: string, { type }: JsonObject, report: Report): void {
  const known: readonly string[] = PLUGIN_TYPES;
  if (typeof type !== "string" || known.includes(type)) return;
  report({
    level: "error",
    code: "type-unknown",
    path: `${at}/type`,
    message: `no plugin serves the type ${JSON.stringify(type)}`,
    fix: `use one of ${known.join(" ")}`,
  });
}

function lintSocket(at: string, { socket }: JsonObject, report: Report): void {
  if (typeof socket === "string") lintPlace(`${at}/socket`, "socket", socket, report);
}
