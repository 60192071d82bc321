import type { RecordedEvent } from "../../reports/events.ts";
import type { RunState } from "../../reports/run-state.ts";
import type { RunDirectory } from "./run-directory.ts";

/** A run to be reported. */
export interface ReportedRun {
  readonly state: RunState;
  /** Its record. */
  readonly events: readonly RecordedEvent[];
  readonly directory: Pick<RunDirectory, "folder" | "shown">;
}
