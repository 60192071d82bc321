import * as z from "zod";
import { none } from "../quirks/quirks.ts";
import type { Quirks } from "../quirks/quirks.ts";

/**
 * Optional keys that exports (services.json) and requirements (run.json) may carry beyond what
 * Pantavisor documents; pantavisor merges them into the graph entry, where the broker's plugins
 * read them. The plugin of the link checks their values: a wrong one refuses that link by name and
 * no other.
 */
const ofExport = [
  "identity",
  "socketType",
  "fds",
  "rules",
  "upgrade",
  "nodes",
  "globals",
  "events",
  "grab",
] as const;
const ofRequirement = ["fds", "rules", "events", "form"] as const;

export type ExportExtensions = { readonly [K in (typeof ofExport)[number]]?: unknown };
export type RequirementExtensions = { readonly [K in (typeof ofRequirement)[number]]?: unknown };

/**
 * The merged extensions: `fds` holds the types that both sides list, `rules` and `events` the list of
 * each side (a message or an event must pass every list); the other keys are those of one side.
 */
export type LinkExtensions = ExportExtensions & RequirementExtensions;

export const exportExtensions = z.object(shapeOf(ofExport));
export const requirementExtensions = z.object(shapeOf(ofRequirement));
export const linkExtensions = z.object(shapeOf([...ofExport, ...ofRequirement]));

/** The extensions of a link between this export and this requirement. */
export function mergeExtensions(
  provided: ExportExtensions,
  wanted: RequirementExtensions,
  quirks: Quirks = none,
): LinkExtensions {
  const { fds, rules, events, ...rest } = pick(provided, ofExport);
  const ruleLists = listsOf(rules, wanted.rules);
  const eventLists = listsOf(events, wanted.events);
  return {
    ...rest,
    ...pick(wanted, ["form"]),
    ...(fds !== undefined && agreed(fds, wanted.fds, quirks)),
    ...(ruleLists.length > 0 && { rules: ruleLists }),
    ...(eventLists.length > 0 && { events: eventLists }),
  };
}

function listsOf(provided: unknown, wanted: unknown): unknown[] {
  return [provided, wanted].filter((list) => list !== undefined);
}

function agreed(provided: unknown, wanted: unknown, quirks: Quirks): { readonly fds?: unknown } {
  if (quirks.has("fd-requirement-ignored")) return { fds: provided };
  return wanted === undefined ? {} : { fds: common(provided, wanted) };
}

/**
 * Items of both lists. A value that is no list is returned as it is, so that the plugin refuses it.
 */
function common(a: unknown, b: unknown): unknown {
  if (!Array.isArray(a)) return a;
  if (!Array.isArray(b)) return b;
  return a.filter((item) => b.includes(item));
}

function pick<K extends string>(
  source: { readonly [P in K]?: unknown },
  keys: readonly K[],
): { [P in K]?: unknown } {
  const found: { [P in K]?: unknown } = {};
  for (const key of keys) if (source[key] !== undefined) found[key] = source[key];
  return found;
}

function shapeOf<K extends string>(keys: readonly K[]): Record<K, z.ZodOptional<z.ZodUnknown>> {
  return Object.fromEntries(keys.map((key) => [key, z.unknown().optional()])) as Record<
    K,
    z.ZodOptional<z.ZodUnknown>
  >;
}
