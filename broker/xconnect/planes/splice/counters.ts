/** Counts of a link's sessions, written by the splice worker and read by the main thread. */
export interface SpliceCounts {
  /** Sessions since the link began, and open ones (including those that wait for the provider). */
  readonly sessions: number;
  readonly open: number;
  /** Bytes from the consumer to the provider, and back. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export const SESSIONS = 0;
export const OPEN = 1;
export const BYTES_UP = 2;
export const BYTES_DOWN = 3;
const FIELDS = 4;

/** Counts in shared memory, with one writer; doubles are exact up to 8 PiB. */
export type SpliceCounters = Float64Array<SharedArrayBuffer>;

export function makeCounters(): SpliceCounters {
  return new Float64Array(new SharedArrayBuffer(FIELDS * Float64Array.BYTES_PER_ELEMENT));
}

export function readCounters(counters: SpliceCounters): SpliceCounts {
  const [sessions = 0, open = 0, bytesUp = 0, bytesDown = 0] = counters;
  return { sessions, open, bytesUp, bytesDown };
}

export function count(counters: SpliceCounters, field: number, by: number): void {
  counters[field] = (counters[field] ?? 0) + by;
}
