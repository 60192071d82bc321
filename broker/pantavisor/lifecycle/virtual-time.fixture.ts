interface Timer {
  readonly at: number;
  readonly key: string;
  readonly run: () => void;
}

/** Time for simulations, in milliseconds: it passes only by `advance`. */
export class VirtualTime {
  now = 0;
  #pending: Timer[] = [];

  /** Keys of the timers that are pending. */
  get keys(): readonly string[] {
    return this.#pending.map(({ key }) => key);
  }

  schedule(milliseconds: number, key: string, run: () => void): void {
    this.#pending.push({ at: this.now + milliseconds, key, run });
  }

  cancel(key: string): void {
    this.#pending = this.#pending.filter((one) => one.key !== key);
  }

  /** Run everything that is due within the next milliseconds. */
  advance(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      const next = this.#pending.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#pending.splice(this.#pending.indexOf(next), 1);
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }
}
