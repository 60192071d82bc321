import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { StepView } from "../control/pantavisor-view.ts";
import { syncFolder } from "./durable-file.ts";
import { FACTORY } from "./factory.ts";
import { INCOMING_SUFFIX } from "./pvtx/deploy.ts";

/** Progress of a step that has not run yet, or that runs. */
const UNFINISHED = ["NEW", "INPROGRESS", "TESTING"];

export interface GarbageRules {
  /** Why a revision has to stay; undefined for one that may go. */
  readonly inUse: (revision: string) => string | undefined;
  /** PV_STORAGE_GC_KEEP_FACTORY */
  readonly keepsFactory: boolean;
}

/** Revisions that ran, or were refused, and to which no boot comes back. */
export function oldRevisions(steps: readonly StepView[], rules: GarbageRules): string[] {
  return steps
    .filter(({ progress }) => !UNFINISHED.includes(String(progress["status"])))
    .map(({ name }) => name)
    .filter((name) => rules.inUse(name) === undefined)
    .filter((name) => name !== FACTORY || !rules.keepsFactory);
}

/** Remove revisions with their logs and the volumes that live as long as they. */
export function removeRevisions(storage: string, revisions: readonly string[]): void {
  for (const revision of revisions) {
    const trail = join(storage, "trails", revision);
    // By this name the next start removes what a kill leaves.
    rmSync(`${trail}${INCOMING_SUFFIX}`, { recursive: true, force: true });
    renameSync(trail, `${trail}${INCOMING_SUFFIX}`);
    syncFolder(join(trail, ".."));
    for (const path of [
      `${trail}${INCOMING_SUFFIX}`,
      join(storage, "logs", revision),
      join(storage, "disks/rev", revision),
    ]) {
      if (existsSync(path)) rmSync(path, { recursive: true });
    }
  }
}
