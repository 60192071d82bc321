import { join } from "node:path";
import type { CommandRefusal } from "../control/pantavisor-view.ts";
import { deploy } from "./pvtx/deploy.ts";
import { objectStore } from "./pvtx/object-store.ts";
import { readRevision } from "./pvtx/read-state.ts";
import { progressOf, writeProgress } from "./step-progress.ts";
import { storageRefusal } from "./storage-refusal.ts";

export const FACTORY = "0";

/**
 * MAKE_FACTORY (docs/pantavisor.md §3.6): revision 0 becomes a copy of another one, in one step.
 * @param use why revision 0 cannot be replaced; undefined: it can
 */
export function makeFactory(
  storage: string,
  revision: string,
  use: string | undefined,
): CommandRefusal | undefined {
  if (revision === FACTORY) return undefined;
  if (use !== undefined) return { status: 409, reason: `Step ${FACTORY} ${use}` };
  const trails = join(storage, "trails");
  const factory = join(trails, FACTORY);
  try {
    const state = readRevision(join(trails, revision));
    deploy(state, objectStore(join(storage, "objects")), factory);
  } catch (error) {
    return storageRefusal(error);
  }
  writeProgress(factory, progressOf.factory);
  return undefined;
}
