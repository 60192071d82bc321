import koffi from "koffi";
import { Epoll } from "./epoll.ts";

/**
 * Events of raw stream sockets on Node's own event loop.
 *
 * All descriptors sit in one epoll instance, and libuv watches that one alone. So a busy
 * moment of many sockets costs one turn of the event loop, and a socket costs no libuv handle
 * and no stream object: half the time of node:net per message (docs/plugins/rest.md).
 *
 * Level-triggered: what is not dealt with is told again.
 */
class StreamLoop {
  readonly #epoll = new Epoll();
  readonly #watchers = new Map<number, (events: number) => void>();
  /** Kept: an unreferenced handle is closed by the garbage collector. */
  readonly #handle = koffi.node.poll(this.#epoll.fd, { readable: true }, () => this.#turn());
  #lastToken = 0;

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

  #turn(): void {
    const count = this.#epoll.wait(0);
    for (let index = 0; index < count; index += 1) {
      this.#watchers.get(this.#epoll.slotAt(index))?.(this.#epoll.eventsAt(index));
    }
  }
}

let loop: StreamLoop | undefined;

/** The one of this thread. */
export function streamLoop(): StreamLoop {
  return (loop ??= new StreamLoop());
}
