import { PvhError } from "../errors.ts";
import { EventLog } from "./event-log.ts";
import type { RecordedEvent, RunEvent } from "../../reports/events.ts";
import { EVENTS_VERSION } from "../../reports/events.ts";

/**
 * The record of a run as it grows: in events.jsonl, which only this process writes, and in memory.
 * A disk that becomes full costs the file, and not the verdicts.
 */
export class RunRecord {
  readonly #log: EventLog<RecordedEvent>;
  readonly #events: RecordedEvent[] = [];
  readonly #onEvent: (event: RecordedEvent) => void;
  #unwritten: PvhError | undefined;

  /** @throws PvhError PVH_NO_SPACE when the file cannot be made */
  constructor(path: string, onEvent: (event: RecordedEvent) => void) {
    this.#log = new EventLog(path);
    this.#onEvent = onEvent;
  }

  append(event: RunEvent | RecordedEvent): void {
    const recorded: RecordedEvent = { v: EVENTS_VERSION, t: Date.now(), ...event };
    this.#events.push(recorded);
    try {
      if (this.#unwritten === undefined) this.#log.append(recorded);
    } catch (error) {
      if (!(error instanceof PvhError)) throw error;
      this.#unwritten = error;
    }
    this.#onEvent(recorded);
  }

  events(): readonly RecordedEvent[] {
    return this.#events;
  }

  /** @returns why the file is not complete */
  close(): PvhError[] {
    this.#log.close();
    return this.#unwritten === undefined ? [] : [this.#unwritten];
  }
}
