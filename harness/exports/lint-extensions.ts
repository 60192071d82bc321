import type * as z from "zod";
import { fdList as fds } from "../../broker/xconnect/plugins/allowed-fds.ts";
import { dbusRules } from "../../broker/xconnect/plugins/dbus/rules.ts";
import { drmNodes } from "../../broker/xconnect/plugins/drm/nodes.ts";
import { restRules, restUpgrade } from "../../broker/xconnect/plugins/rest/rules.ts";
import { identityKind, socketKind } from "../../broker/xconnect/plugins/unix/options.ts";
import type { Report } from "./finding.ts";
import type { JsonObject } from "./json-value.ts";

/**
 * The keys beyond what Pantavisor documents (docs/manifest-extensions.md), by service type. The
 * broker refuses a link with a wrong value; here it is found before anything runs.
 */
type Schemas = Readonly<Record<string, z.ZodType>>;

const OF_EXPORT: Readonly<Record<string, Schemas>> = {
  unix: { identity: identityKind, socketType: socketKind, fds },
  rest: { rules: restRules, upgrade: restUpgrade },
  dbus: { rules: dbusRules, fds },
  drm: { nodes: drmNodes },
};

const OF_REQUIREMENT: Readonly<Record<string, Schemas>> = {
  unix: { fds },
  rest: { rules: restRules },
  dbus: { rules: dbusRules, fds },
};

/** Every key that some type knows: others are nobody's business. */
const KNOWN = new Set(Object.values(OF_EXPORT).flatMap((schemas) => Object.keys(schemas)));

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
        message: `nobody reads ${key} on ${side === "export" ? "an export" : "a requirement"} of type ${type}`,
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
