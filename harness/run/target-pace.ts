/** Milliseconds of given time in which the reference boots a scenario's containers. */
const USUAL_BOOT = 2_500;
/** A target that is slower still fails its checks in a time that a run can afford. */
const MOST = 8;
/**
 * Least of an image that is not the reference. A boot does not show what else is slow in it: 029-32
 * holds each stop for 5 s, and looks for changed links every 5 s.
 */
const LEAST_OF_IMAGES = 3;

/**
 * Factor for the waits of checks, learned from the boot that was just seen.
 * @param bootMs milliseconds of given time from the request to the last stage
 */
export function targetPace(bootMs: number, isReference: boolean): number {
  const seen = Math.round((bootMs / USUAL_BOOT) * 10) / 10;
  return Math.min(MOST, Math.max(isReference ? 1 : LEAST_OF_IMAGES, seen));
}
