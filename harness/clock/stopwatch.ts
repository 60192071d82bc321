/** Time that the machine gave and time on the wall, each since some moment. */
interface Times {
  given(): number;
  wall(): number;
}

/** Measures how long something takes, and how much of that time the machine gave. */
export class Stopwatch {
  readonly #clock: Times;
  readonly #given: number;
  readonly #wall: number;

  constructor(clock: Times) {
    this.#clock = clock;
    this.#given = clock.given();
    this.#wall = clock.wall();
  }

  /** Milliseconds since the start that the machine gave. A limit on speed is one of these. */
  get given(): number {
    return this.#clock.given() - this.#given;
  }

  /** Milliseconds on the wall. */
  get wall(): number {
    return this.#clock.wall() - this.#wall;
  }

  /** Part of the time that was given, from 0 to 1. */
  get share(): number {
    const { wall, given } = this;
    return wall <= 0 ? 1 : Math.min(1, given / wall);
  }
}
