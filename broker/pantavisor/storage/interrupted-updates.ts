import { join } from "node:path";
import type { StepView } from "../control/pantavisor-view.ts";
import { unexpectedRollback, writeProgress } from "./step-progress.ts";

/** Updates that were under way when everything stopped, and are not what runs now, have failed. */
export function closeInterruptedUpdates(
  storage: string,
  steps: readonly StepView[],
  running: string,
): void {
  for (const { name, progress } of steps) {
    const underWay = progress["status"] === "INPROGRESS" || progress["status"] === "TESTING";
    if (name !== running && underWay) {
      writeProgress(join(storage, "trails", name), unexpectedRollback);
    }
  }
}
