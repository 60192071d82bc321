import koffi from "koffi";
import { Epoll } from "./epoll.ts";
import { together } from "./gathered.ts";

/** Milliseconds after which Node's own loop gets its turn in any case. */
const LONGEST_TURN = 1;

/**
 * Events of raw stream sockets on Node's own event loop.
 *
 * All descriptors sit in one epoll instance, and libuv watches that one alone. So a busy
 * moment of many sockets costs one turn of the event loop, and a socket costs no libuv handle
 * and no stream object: half the time of node:net per message (docs/plugins/rest.md).
 *
 * Level-triggered: what is not dealt with is told again.
 *
 * Whoever has just been sent something mostly answers at once, and to be woken through Node
 * costs as much as a message itself. So a turn waits a moment for what comes next, unless
 * something that it has caused waits for Node (`leave`).
 */
class StreamLoop {
  readonly #epoll = new Epoll();
  readonly #watchers = new Map<number, (events: number) => void>();
  /** Kept: an unreferenced handle is closed by the garbage collector. */
  readonly #handle = koffi.node.poll(this.#epoll.fd, { readable: true }, () => this.#turn());
  #lastToken = 0;
  /** When Node gets its turn, in performance.now() milliseconds. */
  #turnEnd = 0;

  constructor() {
    this.#handle.unref();
  }

  /** @returns what names the registration from here on */
  add(fd: number, events: number, onEvents: (events: number) => void): number {
    // A token of its own for each: an event that is in the batch already when its descriptor
    // is closed must not reach another socket that got the same number.
    const token = (this.#lastToken = (this.#lastToken + 1) & 0x7fff_ffff);
    this.#epoll.add(fd, events, token, 0);
    this.#watchers.set(token, onEvents);
    if (this.#watchers.size === 1) this.#handle.ref();
    return token;
  }

  modify(fd: number, events: number, token: number): void {
    this.#epoll.modify(fd, events, token, 0);
  }

  /** Before the descriptor is closed. */
  remove(fd: number, token: number): void {
    if (!this.#watchers.delete(token)) return;
    this.#epoll.remove(fd);
    if (this.#watchers.size === 0) this.#handle.unref();
  }

  /** The turn ends with its batch: a promise has been settled, and Node has to see to it. */
  leave(): void {
    this.#turnEnd = 0;
  }

  #turn(): void {
    this.#turnEnd = performance.now() + LONGEST_TURN;
    for (let count = this.#epoll.wait(0); count > 0; count = this.#epoll.waitBriefly()) {
      together(() => this.#tellAll(count));
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
      // The others of the batch must not wait, nor may koffi keep it to itself.
      setImmediate(() => {
        throw error;
      });
    }
  }
}

let loop: StreamLoop | undefined;

/** The one of this thread. */
export function streamLoop(): StreamLoop {
  return (loop ??= new StreamLoop());
}
