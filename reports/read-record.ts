import type { RecordedEvent } from "./events.ts";
import { readEvent } from "./event-schema.ts";
import { printableLine } from "./printable.ts";
import { foldRun } from "./run-state.ts";
import type { RunState } from "./run-state.ts";

/** events.jsonl as far as it can be read. */
export interface ReadRecord {
  readonly events: readonly RecordedEvent[];
  /** Reason why it ends before its file, or before the run, with the line. */
  readonly stopped?: string;
}

/**
 * The events of a record, up to the first line that is none: what comes after a line that cannot be
 * read may rest on it. Events of unknown types are left out.
 */
export function readRecord(text: string): ReadRecord {
  const events: RecordedEvent[] = [];
  let from = 0;
  let number = 0;
  while (from < text.length) {
    const end = text.indexOf("\n", from);
    const line = text.slice(from, end < 0 ? text.length : end);
    from = end < 0 ? text.length : end + 1;
    number += 1;
    if (line === "") continue;
    const event = parsed(line);
    if (event === undefined) continue;
    if ("wrong" in event) {
      const cut = end < 0 ? ", which is the last one and has no end" : "";
      return { events, stopped: `the record stops at line ${number}${cut}: ${event.wrong}` };
    }
    events.push(event);
  }
  if (events.some(({ type }) => type === "run.finished")) return { events };
  const last = events.at(-1);
  const at = last === undefined ? "" : `, a ${last.type} of ${new Date(last.t).toISOString()}`;
  const why = `the record stops after line ${number}${at}: the run was killed, or goes on`;
  return { events, stopped: why };
}

/** State at the end of a record; one that stops has a failure of its own that says where. */
export function foldRecord({ events, stopped }: ReadRecord): RunState {
  const state = foldRun(events);
  if (stopped !== undefined) {
    const failure = { class: "harness", code: "PVH_VERDICT", message: stopped } as const;
    state.failures.push({ where: "record", failure });
  }
  return state;
}

function parsed(line: string): ReturnType<typeof readEvent> {
  try {
    return readEvent(JSON.parse(line));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { wrong: `it is no JSON: ${printableLine(why, 120)}` };
  }
}
