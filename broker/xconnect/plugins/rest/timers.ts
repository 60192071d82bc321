import { DRAIN, HEAD_TIMEOUT, IDLE_CHECK, LINGER, LINGER_IN_ALL } from "./limits.ts";

/** The time limits of one session. */
export class RestTimers {
  #head: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;
  #drain: NodeJS.Timeout | undefined;
  #lingerEnd = Infinity;

  /** A head has begun; how long it has been under way counts from the first call. */
  watchHead(onLate: () => void): void {
    this.#head ??= setTimeout(onLate, HEAD_TIMEOUT);
  }

  forgetHead(): void {
    if (this.#head === undefined) return;
    clearTimeout(this.#head);
    this.#head = undefined;
  }

  /**
   * Two looks a while apart, not a timer per request.
   * @param requests how many there have been; undefined while something is under way
   */
  watchIdle(requests: () => number | undefined, onIdle: () => void, before?: number): void {
    this.#idle = setTimeout(() => {
      const now = requests();
      if (now !== undefined && now === before) onIdle();
      else this.watchIdle(requests, onIdle, now);
    }, IDLE_CHECK);
  }

  /** The consumer has been given its last byte; what it still sends is thrown away. */
  linger(onOver: () => void): void {
    if (this.#linger !== undefined) return;
    this.#lingerEnd = performance.now() + LINGER_IN_ALL;
    this.#linger = setTimeout(onOver, LINGER);
  }

  /** Linger longer: the consumer has sent something, so it may not have read the response yet. */
  putOffLinger(): void {
    if (performance.now() < this.#lingerEnd) this.#linger?.refresh();
  }

  /** Limit how long the provider may take its last bytes; no response to them is awaited. */
  limitDrain(onLate: () => void): void {
    this.#drain ??= setTimeout(onLate, DRAIN);
  }

  stop(): void {
    this.forgetHead();
    clearTimeout(this.#idle);
    clearTimeout(this.#linger);
    clearTimeout(this.#drain);
  }
}
