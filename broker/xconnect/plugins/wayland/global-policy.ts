import * as z from "zod";
import { firstProblem } from "../../../shared/formats/first-problem.ts";
import { INTERFACES, knownVersion } from "../../../shared/protocols/wayland/interfaces.ts";
import { oncePerLink } from "../once-per-link.ts";
import { LinkRefused } from "../plugin.ts";

/**
 * Globals of a link without the key `globals`: what clients need to draw and to be typed into.
 * Toolkits get no seat without wl_data_device_manager (GDK) and end without wl_subcompositor; the
 * data device is a channel between the clients of a compositor.
 */
export const DEFAULT_GLOBALS: readonly string[] = [
  "wl_compositor",
  "wl_subcompositor",
  "wl_shm",
  "wl_output",
  "wl_seat",
  "xdg_wm_base",
  "wl_data_device_manager",
  "wp_viewporter",
  "wp_presentation",
];

const MAX_ENTRIES = 256;

// Unknown keys are refused: a misspelt one would allow more.
const entry = z.strictObject({
  interface: z.string().refine((name) => INTERFACES.has(name), {
    error: ({ input }) => `this build has no signatures of ${JSON.stringify(input)}`,
  }),
  version: z.int().min(1).optional(),
  role: z.string().optional(),
});

type GlobalEntry = z.infer<typeof entry>;

/** The key `globals` of an export. */
export const globalList = z.array(entry).max(MAX_ENTRIES);

/** Highest allowed version by interface. */
export type GlobalPolicy = ReadonlyMap<string, number>;

/**
 * The globals that a link may use. The mediator has to know all messages of a bound object, so no
 * version is higher than the one whose messages are known.
 *
 * @throws LinkRefused naming the key, and the interface that cannot be mediated
 */
export const globalPolicyOf = oncePerLink((link): GlobalPolicy => {
  const parsed = globalList.optional().safeParse(link.entry.globals);
  if (!parsed.success) throw new LinkRefused(firstProblem(parsed.error, "globals"));
  const entries: readonly GlobalEntry[] =
    parsed.data ?? DEFAULT_GLOBALS.map((name) => ({ interface: name }));
  const policy = new Map<string, number>();
  for (const { interface: name, version = Infinity, role } of entries) {
    if (role !== undefined && role !== link.role) continue;
    const cap = Math.min(version, knownVersion(name));
    policy.set(name, Math.max(cap, policy.get(name) ?? 0));
  }
  return policy;
});
