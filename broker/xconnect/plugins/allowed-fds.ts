import * as z from "zod";
import { firstProblem } from "../../shared/formats/first-problem.ts";
import { FD_TYPES } from "../../shared/formats/fd-types.ts";
import type { FdType } from "../../shared/formats/fd-types.ts";
import { oncePerLink } from "./once-per-link.ts";
import { LinkRefused } from "./plugin.ts";

/** The key `fds` of a graph entry: the types that both manifests list. */
export const fdList = z.array(z.enum(FD_TYPES)).default([]);

/**
 * The fd types that may pass a link.
 * @throws LinkRefused naming the key
 */
export const allowedFds = oncePerLink(({ entry: { fds } }): ReadonlySet<FdType> => {
  const parsed = fdList.safeParse(fds);
  if (parsed.success) return new Set(parsed.data);
  throw new LinkRefused(firstProblem(parsed.error, "fds"));
});
