/** What a link's sessions have done; written by the splice worker, read by the main thread. */
export interface SpliceCounts {
  /** Sessions since the link began, and those open now (waiting for the provider included). */
  readonly sessions: number;
  readonly open: number;
  /** Bytes from the consumer to the provider, and back. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Connections closed because the link or its consumer has too many. */
  readonly rejections: number;
}

export const SESSIONS = 0;
export const OPEN = 1;
export const BYTES_UP = 2;
export const BYTES_DOWN = 3;
export const REJECTIONS = 4;
const FIELDS = 5;

/** In shared memory; doubles are exact up to 8 PiB. */
export type SpliceCounters = Float64Array;

export function makeCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer(FIELDS * Float64Array.BYTES_PER_ELEMENT);
}

export function readCounters(shared: SharedArrayBuffer): SpliceCounts {
  const counters = new Float64Array(shared);
  const at = (field: number) => counters[field] ?? 0;
  return {
    sessions: at(SESSIONS),
    open: at(OPEN),
    bytesUp: at(BYTES_UP),
    bytesDown: at(BYTES_DOWN),
    rejections: at(REJECTIONS),
  };
}

export function count(counters: SpliceCounters, field: number, by: number): void {
  counters[field] = (counters[field] ?? 0) + by;
}
