import { availableParallelism, totalmem } from "node:os";

const MOST = 8;
/** Bytes of memory that an appengine and the process of its scenario may take. */
const EACH = 512 * 1024 * 1024;

/**
 * Number of scenarios, or of quirks, at a time when the user does not say. Half of a scenario's time
 * is waits, so that a CPU serves two.
 */
export function usualJobs(cpus = availableParallelism(), memory = totalmem()): number {
  return Math.max(1, Math.min(MOST, 2 * cpus, Math.floor(memory / EACH)));
}
