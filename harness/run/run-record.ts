import { PvhError } from "../errors.ts";
import { EventLog } from "./event-log.ts";
import type { RecordedEvent, RunEvent } from "../../reports/events.ts";
import { EVENTS_VERSION } from "../../reports/events.ts";
import { apply, emptyRun } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";

/**
 * The record of a run as it grows: its events in events.jsonl, which only this process writes, and
 * what they come to in memory.
 * A disk that becomes full costs the file, and not the verdicts.
 */
export class RunRecord {
  /** The run so far. */
  readonly state: RunState = emptyRun();
  readonly #log: EventLog<RecordedEvent>;
  readonly #onEvent: (event: RecordedEvent) => void;
  #unwritten: PvhError | undefined;
  #isClosed = false;

  /** @throws PvhError PVH_NO_SPACE when the file cannot be made */
  constructor(path: string, onEvent: (event: RecordedEvent) => void) {
    this.#log = new EventLog(path);
    this.#onEvent = onEvent;
  }

  /** Take an event; after the end of the record none is taken. */
  append(event: RunEvent | RecordedEvent): void {
    if (this.#isClosed) return;
    const recorded: RecordedEvent = { v: EVENTS_VERSION, t: Date.now(), ...event };
    apply(this.state, recorded);
    try {
      if (this.#unwritten === undefined) this.#log.append(recorded);
    } catch (error) {
      if (!(error instanceof PvhError)) throw error;
      this.#unwritten = error;
    }
    this.#onEvent(recorded);
  }

  /** @returns why the file is not complete */
  close(): PvhError[] {
    this.#isClosed = true;
    this.#log.close();
    return this.#unwritten === undefined ? [] : [this.#unwritten];
  }
}
