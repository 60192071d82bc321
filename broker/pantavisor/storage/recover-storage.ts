import { join } from "node:path";
import { removeIncoming } from "./pvtx/object-store.ts";
import { recoverTrails } from "./pvtx/recover-trails.ts";

/** At every start: finish or undo what a kill or a power cut has interrupted in storage. */
export function recoverStorage(storage: string): void {
  removeIncoming(join(storage, "objects"));
  for (const folder of ["trails", "trails/locals"]) recoverTrails(join(storage, folder));
}
