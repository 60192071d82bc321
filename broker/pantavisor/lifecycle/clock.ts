/**
 * The clock of everything that waits in a container's life: with it, a recovery of 815 s takes 8 s
 * under `PVH_TIME_SCALE=100` and no time under test.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start, never going back. */
  now(): number;
  /** Run once after `milliseconds` of this clock, never sooner. */
  after(milliseconds: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Longest wait that setTimeout takes, in milliseconds: it fires at once for longer ones. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** @param scale how many times faster than real time this clock runs */
export function systemClock(scale = 1): Clock {
  return {
    now: () => performance.now() * scale,
    after(milliseconds, run) {
      const due = performance.now() + milliseconds / scale;
      const wait = (): NodeJS.Timeout => {
        const left = Math.ceil(due - performance.now());
        return setTimeout(look, Math.min(Math.max(left, 0), LONGEST_TIMEOUT));
      };
      // setTimeout rounds and may fire early; a deadline must not be early, so look again.
      const look = (): void => {
        if (performance.now() < due) timeout = wait();
        else run();
      };
      let timeout = wait();
      return {
        cancel() {
          clearTimeout(timeout);
        },
      };
    },
  };
}

/**
 * @param text `PVH_TIME_SCALE`: a number of at least 1; absent or empty means real time
 * @throws Error for anything else
 */
export function parseTimeScale(text: string | undefined): number {
  if (text === undefined || text === "") return 1;
  const scale = Number(text);
  if (!(scale >= 1 && scale <= 100_000)) {
    throw new Error(`PVH_TIME_SCALE=${text} is not a number from 1 to 100000`);
  }
  return scale;
}
