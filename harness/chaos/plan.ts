/** Disturbances, one of which hits a run at a random moment. */
export const DISTURBANCES = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "kill-runner",
  "kill-worker",
  "kill-engine",
  "freeze-engine",
  "freeze-engine+SIGINT",
  "full-disk",
] as const;
export type Disturbance = (typeof DISTURBANCES)[number];

export interface Round {
  readonly number: number;
  readonly disturbance: Disturbance;
  /** Moment of the disturbance, in milliseconds after pvh has started. */
  readonly moment: number;
  /** Number of busy loops that run beside it. */
  readonly load: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly rounds: number;
  /** Milliseconds that an undisturbed run takes. */
  readonly duration: number;
  /** Busy loops of every second round. */
  readonly load: number;
  readonly only: readonly Disturbance[];
}

/** A busy machine runs everything later; the moments of its rounds are spread as far. */
const SLOWER = 2;

/** The rounds of a seed; the same seed gives the same ones, except for the undisturbed duration. */
export function planRounds({ seed, rounds, duration, load, only }: PlanOptions): Round[] {
  const random = mulberry32(seed);
  return Array.from({ length: rounds }, (_, index) => {
    const busy = random() < 0.5 ? load : 0;
    const span = duration * (busy > 0 ? SLOWER : 1.05);
    return {
      number: index + 1,
      // Disturbances take turns, so that each comes as often as any other.
      disturbance: only[index % only.length] ?? "SIGINT",
      moment: Math.round(random() * span),
      load: busy,
    };
  });
}

/** Tommy Ettinger's generator of 32 bits: small, and the same everywhere. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
