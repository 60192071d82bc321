import type { Quirks } from "../../../shared/quirks/quirks.ts";
import type { FileFacts } from "../../peers/file-facts.ts";

/** Character major of DRM devices (Linux, admin-guide/devices.txt). */
const DRM_MAJOR = 226;

export type DrmClass = "card" | "render";

/** Roles that ask for one class of node; any other role gets what the export names. */
const CLASS_OF_ROLE: ReadonlyMap<string, DrmClass> = new Map([
  ["master", "card"],
  ["render", "render"],
]);

/**
 * The class of a DRM node by its minor, never by its name: 0–63 are cards (modesetting,
 * master), 128 and above are render nodes (drm_minor types PRIMARY and RENDER).
 */
export function drmClass(minor: number): DrmClass | undefined {
  if (minor <= 63) return "card";
  return minor >= 128 ? "render" : undefined;
}

/** The reason why a node may not be given to a role; undefined when it may. */
export function drmRefusal(facts: FileFacts, role: string, quirks: Quirks): string | undefined {
  if (!facts.isCharacterDevice) {
    return quirks.has("drm-any-file") ? undefined : "it is not a character device";
  }
  const device = `${facts.major}:${facts.minor}`;
  if (facts.major !== DRM_MAJOR) {
    if (quirks.has("drm-any-major")) return undefined;
    return `device ${device} is not a DRM device (major ${DRM_MAJOR})`;
  }
  const actual = drmClass(facts.minor);
  if (actual === undefined) return `device ${device} is neither a card nor a render node`;
  const asked = wantedClass(role, quirks);
  if (asked === undefined || asked === actual) return undefined;
  return `role ${role} gets ${asked} nodes, and device ${device} is a ${actual} node`;
}

function wantedClass(role: string, quirks: Quirks): DrmClass | undefined {
  if (quirks.has("drm-role-ignored")) return undefined;
  const asked = CLASS_OF_ROLE.get(role);
  if (asked === undefined || !quirks.has("drm-role-swapped")) return asked;
  return asked === "card" ? "render" : "card";
}
