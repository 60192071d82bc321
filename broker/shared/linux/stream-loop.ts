import koffi from "koffi";
import { Epoll } from "./epoll.ts";
import { batchWrites } from "./write-batch.ts";

/** Milliseconds after which Node's own loop runs again in any case. */
const LONGEST_TURN = 1;

/**
 * Events of raw stream sockets on Node's own event loop.
 *
 * All descriptors sit in one epoll instance, and libuv watches that one alone. So many busy
 * sockets cost one turn of Node's event loop, and a socket costs no libuv handle and no stream
 * object: half the time of node:net per message (docs/plugins/rest.md).
 *
 * Events are level-triggered: those that a callback does not deal with are reported again.
 *
 * A peer that has just received bytes mostly answers at once, and being woken through Node costs as
 * much as the message itself. So a turn waits a moment for the answer before it returns to Node's
 * loop, unless a callback has settled a promise (`letPromisesRun`), which only Node's loop
 * continues.
 */
class StreamLoop {
  readonly #epoll = new Epoll();
  readonly #watchers = new Map<number, (events: number) => void>();
  /**
   * The libuv handle, kept in a field because the garbage collector closes one without references.
   */
  readonly #handle = koffi.node.poll(this.#epoll.fd, { readable: true }, () => this.#turn());
  #lastToken = 0;
  /** Time at which this turn ends and Node's loop runs, in performance.now() milliseconds. */
  #turnEnd = 0;

  constructor() {
    this.#handle.unref();
  }

  /** @returns a token that identifies the registration */
  add(fd: number, events: number, onEvents: (events: number) => void): number {
    // Each registration has its own token: when a descriptor is closed, an event of it that is
    // already in the batch must not reach a new socket with the same number.
    const token = (this.#lastToken = (this.#lastToken + 1) & 0x7fff_ffff);
    this.#epoll.add(fd, events, token, 0);
    this.#watchers.set(token, onEvents);
    if (this.#watchers.size === 1) this.#handle.ref();
    return token;
  }

  modify(fd: number, events: number, token: number): void {
    this.#epoll.modify(fd, events, token, 0);
  }

  /** To be called before the descriptor is closed. */
  remove(fd: number, token: number): void {
    if (!this.#watchers.delete(token)) return;
    this.#epoll.remove(fd);
    if (this.#watchers.size === 0) this.#handle.unref();
  }

  /** End the turn with the current batch of events. */
  endTurn(): void {
    this.#turnEnd = 0;
  }

  #turn(): void {
    this.#turnEnd = performance.now() + LONGEST_TURN;
    for (let count = this.#epoll.wait(0); count > 0; count = this.#epoll.waitBriefly()) {
      batchWrites(() => this.#tellAll(count));
      if (performance.now() >= this.#turnEnd) return;
    }
  }

  #tellAll(count: number): void {
    for (let index = 0; index < count; index += 1) {
      this.#tell(this.#epoll.slotAt(index), this.#epoll.eventsAt(index));
    }
  }

  #tell(token: number, events: number): void {
    try {
      this.#watchers.get(token)?.(events);
    } catch (error) {
      // Throw it outside of the batch: the other watchers go on, and koffi does not swallow it.
      setImmediate(() => {
        throw error;
      });
    }
  }
}

let loop: StreamLoop | undefined;

/** The stream loop of this thread. */
export function streamLoop(): StreamLoop {
  return (loop ??= new StreamLoop());
}

/**
 * Let Node's event loop run as soon as the current batch of events is dealt with. Code that may run
 * in a callback of the stream loop calls this in the same turn in which it settles a promise, or
 * begins to wait for one: otherwise the turn goes on waiting for events, and the promise's
 * continuation comes up to 1 ms late.
 */
export function letPromisesRun(): void {
  streamLoop().endTurn();
}
