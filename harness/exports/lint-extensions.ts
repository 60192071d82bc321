import { OF_EXPORT, OF_REQUIREMENT } from "../../broker/xconnect/plugins/manifests.ts";
import type { Schemas } from "../../broker/xconnect/plugins/manifests.ts";
import type { Report } from "./finding.ts";
import type { JsonObject } from "./json-value.ts";

/** Every key that some service type knows; all others are ignored. */
const KNOWN = new Set(
  [OF_EXPORT, OF_REQUIREMENT].flatMap(Object.values<Schemas>).flatMap((one) => Object.keys(one)),
);

export const EXTENSION_KEYS: readonly string[] = [...KNOWN];

/**
 * Findings on the extension keys of one export or requirement.
 *
 * @param type of the service; undefined where this export alone does not tell
 */
export function lintExtensions(
  path: string,
  side: "export" | "requirement",
  item: JsonObject,
  type: string | undefined,
  report: Report,
): void {
  if (type === undefined) return;
  const schemas = (side === "export" ? OF_EXPORT : OF_REQUIREMENT)[type] ?? {};
  for (const [key, value] of Object.entries(item)) {
    if (!KNOWN.has(key)) continue;
    const schema = schemas[key];
    if (schema === undefined) {
      report({
        level: "warning",
        code: "extension-unused",
        path: `${path}/${key}`,
        message: `the broker does not read ${key} on ${side === "export" ? "an export" : "a requirement"} of type ${type}`,
        fix: "leave it out, or see docs/manifest-extensions.md",
      });
      continue;
    }
    for (const issue of schema.safeParse(value).error?.issues ?? []) {
      report({
        level: "error",
        code: "extension-wrong",
        path: [`${path}/${key}`, ...issue.path.map(String)].join("/"),
        message: `the broker refuses links with this value: ${issue.message}`,
        fix: "see docs/manifest-extensions.md",
      });
    }
  }
}
