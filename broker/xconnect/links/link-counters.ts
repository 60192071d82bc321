import { messageOf } from "../../shared/message-of.ts";
import { makeCounters, readCounters } from "../planes/splice/counters.ts";

/** Counters and last error of a link, for the status socket. Numbers only grow. */
export class LinkCounters {
  readonly #counters = new Map<string, number>();
  /** Counters that the splice worker writes. */
  readonly spliced = makeCounters();
  #lastError: { message: string; at: string } | undefined;

  get lastError(): { readonly message: string; readonly at: string } | undefined {
    return this.#lastError;
  }

  count(counter: string, by = 1): void {
    this.#counters.set(counter, this.get(counter) + by);
  }

  get(counter: string): number {
    return this.#counters.get(counter) ?? 0;
  }

  note(error: unknown): void {
    const message = messageOf(error);
    this.#lastError = { message, at: new Date().toISOString() };
    this.count("errors");
  }

  all(): Record<string, number> {
    const { sessions, bytesUp, bytesDown } = readCounters(this.spliced);
    const all = Object.fromEntries(this.#counters);
    const add = (counter: string, by: number) => {
      if (by > 0) all[counter] = (all[counter] ?? 0) + by;
    };
    add("sessions", sessions);
    add("bytesFromConsumer", bytesUp);
    add("bytesToConsumer", bytesDown);
    return all;
  }
}
