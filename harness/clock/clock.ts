import { Deadline, MOST_STRETCH } from "./deadline.ts";
import { givenShare } from "./given-share.ts";
import { CORES, monotonic, readMachine, readWall } from "./machine-reading.ts";
import type { MachineReading } from "./machine-reading.ts";
import { Stopwatch } from "./stopwatch.ts";

// Kept before a scenario can put fake timers in its place.
const { setInterval } = globalThis;
/** Milliseconds between two readings of the machine while a deadline is open. */
const TICK = 100;
/** Readings closer than this tell nothing. */
const RESOLUTION = 10;
/** Milliseconds over which the stretch for programs in containers is averaged. */
const MEMORY = 5_000;

/**
 * The time that the machine gives, on which all waits of pvh are counted. On an idle machine
 * it goes as fast as the wall clock; on a machine that starves its processes it goes slower, so
 * that a deadline is the same amount of work everywhere (docs/adr/0012-given-time.md).
 */
export class Clock {
  /** `--timeout-scale`: multiplies every deadline. */
  scale = 1;
  /** Factor by which the target is slower than the reference: multiplies every deadline as well. */
  pace = 1;
  /** Factor by which the target's own waits are longer than the check says that divides them; 1 outside of checks. */
  division = 1;
  readonly #read: () => MachineReading;
  readonly #cores: number;
  readonly #wall: (() => number) | undefined;
  #last: MachineReading;
  #given = 0;
  /** Share of the last seconds, the older the less. */
  #recent = 1;
  #ticker: NodeJS.Timeout | undefined;

  /** @param wall the reading's `wall` alone, which saves readings that would be too close */
  constructor(read: () => MachineReading, cores = CORES, wall?: () => number) {
    this.#read = read;
    this.#cores = cores;
    this.#wall = wall;
    this.#last = read();
  }

  /** Milliseconds that the machine has given since some moment. */
  given(): number {
    this.#sample();
    return this.#given;
  }

  /** Milliseconds of the wall, from the same reading as given(). */
  wall(): number {
    this.#sample();
    return this.#last.wall;
  }

  /** @param ms before `--timeout-scale` and the target's pace */
  deadline(ms: number): Deadline {
    return new Deadline(this.stopwatch(), ms * this.scale * this.pace);
  }

  /** Factor, on top of the pace, for a wait for something that the target itself waits for. */
  get patience(): number {
    return Math.max(1, this.division / this.pace);
  }

  stopwatch(): Stopwatch {
    this.#sample();
    this.#ticker ??= setInterval(() => this.#sample(), TICK).unref();
    return new Stopwatch(this);
  }

  /** Factor by which a program with time-outs of its own multiplies them. */
  stretch(): number {
    this.#sample();
    return this.scale * this.pace * Math.min(MOST_STRETCH, 1 / this.#recent);
  }

  #sample(): void {
    const before = this.#last;
    if (this.#wall !== undefined && this.#wall() - before.wall < RESOLUTION) return;
    const after = this.#read();
    const wall = after.wall - before.wall;
    if (wall < RESOLUTION) return;
    // Nothing was due before the first deadline.
    const due = this.#ticker === undefined ? wall : TICK;
    const share = givenShare(before, after, { cores: this.#cores, due });
    const weight = Math.min(1, wall / MEMORY);
    this.#given += wall * share;
    this.#recent += (share - this.#recent) * weight;
    this.#last = after;
  }
}

/**
 * The clock of this thread. A worker runs one scenario, whose settings set its scale.
 * `PVH_CLOCK=wall` makes it an ordinary one.
 */
export const clock = new Clock(
  process.env["PVH_CLOCK"] === "wall" ? readWall : readMachine,
  CORES,
  monotonic,
);
