/** Milliseconds that a session stays after the first EOF (docs/pantavisor.md §6.4). */
const LINGER = 60_000;

/** Holds the first EOF of a session back until both sides have sent one, or the time is over. */
export class EndHold {
  #until = 0;
  readonly #lookAfter: (milliseconds: number) => void;

  /** @param lookAfter has the session look again */
  constructor(lookAfter: (milliseconds: number) => void) {
    this.#lookAfter = lookAfter;
  }

  /** @param both true when both sides have ended */
  keeps(both: boolean): boolean {
    if (both) return false;
    const now = performance.now();
    if (this.#until === 0) {
      this.#until = now + LINGER;
      this.#lookAfter(LINGER);
    }
    return now < this.#until;
  }
}
