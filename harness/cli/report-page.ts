import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RecordedEvent } from "../../reports/events.ts";
import { readRecord } from "../../reports/read-record.ts";
import type { RunState } from "../../reports/run-state.ts";
import { PvhError } from "../errors.ts";
import { EVENTS_FILE } from "../run/event-log.ts";
import { renderReport } from "../run/render-report.ts";
import type { RunDirectory } from "../run/run-directory.ts";
import { messageOfThrown } from "../thrown.ts";

/** Name of the page in a run directory. */
export const PAGE = "report.html";

/** Bytes of a record whose timeline the page shows. */
const LARGEST = 64 << 20;

/** Write report.html of a run that has ended. @returns why it is not there */
export function writePage(directory: RunDirectory, state: RunState): PvhError[] {
  const path = join(directory.folder, PAGE);
  try {
    const events = eventsOf(join(directory.folder, EVENTS_FILE));
    writeFileSync(path, renderReport("html", { state, events, directory }));
    return [];
  } catch (cause) {
    const message = `${path} cannot be written: ${messageOfThrown(cause)}`;
    return [new PvhError("PVH_NO_SPACE", message, { cause })];
  }
}

/** @returns nothing of a record that is too large, or not there: the page is without a timeline */
function eventsOf(file: string): readonly RecordedEvent[] {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? Infinity;
  return size > LARGEST ? [] : readRecord(readFileSync(file, "utf8")).events;
}
