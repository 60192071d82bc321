import * as z from "zod";
import type { GraphEntry } from "../../../shared/formats/graph.ts";
import { LinkRefused } from "../plugin.ts";

/** The key `nodes` of an export: a path for each role. */
export const drmNodes = z.record(
  z.string(),
  z.string().regex(/^\/[^\0-\x1f\x7f]*[^/\0-\x1f\x7f]$/),
);

/**
 * Path of the provider's node for a link's role: the one that the export's `nodes` names for the
 * role, else its `socket`. The node itself decides if the role may have it (node-class.ts).
 *
 * @throws LinkRefused when `nodes` is not an object of absolute paths
 */
export function drmNodePath({ nodes: value, role, socket }: GraphEntry): string {
  if (value === undefined) return socket;
  const parsed = drmNodes.safeParse(value);
  if (!parsed.success) {
    throw new LinkRefused(`nodes must be an object of absolute paths by role`);
  }
  return Object.hasOwn(parsed.data, role) ? (parsed.data[role] ?? socket) : socket;
}
