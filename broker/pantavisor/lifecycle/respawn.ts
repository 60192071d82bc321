/** Delays before a daemon that ended by itself is started again, in milliseconds. */
const DELAYS = [0, 1000, 2000, 5000] as const;
/** Run time, in milliseconds, that ends a series of crashes. */
const HEALTHY_RUN = 5000;

/**
 * The delay before the next start: none after a first crash, longer ones while it keeps crashing.
 */
export function respawnAfter(
  crashes: number,
  runMilliseconds: number,
): { readonly crashes: number; readonly delay: number } {
  const series = runMilliseconds >= HEALTHY_RUN ? 0 : crashes;
  const delay = DELAYS[Math.min(series, DELAYS.length - 1)] ?? 0;
  return { crashes: series + 1, delay };
}
