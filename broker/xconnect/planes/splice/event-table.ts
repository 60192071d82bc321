import { Epoll } from "../../../shared/linux/epoll.ts";

export interface EventHandler {
  onEvents(events: number): void;
}

export interface Registration {
  readonly fd: number;
  readonly slot: number;
  readonly use: number;
}

/** Maps descriptors to the handlers of their events. */
export class EventTable implements Disposable {
  readonly #epoll = new Epoll();
  readonly #handlers: (EventHandler | undefined)[] = [];
  /**
   * Number of earlier uses of each slot: an event that waits in a batch may belong to one of them.
   */
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  /** @throws SystemCallError */
  add(fd: number, events: number, handler: EventHandler): Registration {
    const slot = this.#free.pop() ?? this.#handlers.push(undefined) - 1;
    const use = (this.#uses[slot] ??= 0);
    try {
      this.#epoll.add(fd, events, slot, use);
    } catch (error) {
      this.#free.push(slot);
      throw error;
    }
    this.#handlers[slot] = handler;
    return { fd, slot, use };
  }

  modify({ fd, slot, use }: Registration, events: number): void {
    this.#epoll.modify(fd, events, slot, use);
  }

  /** Stop watching a descriptor that stays open. */
  remove(registration: Registration): void {
    this.#epoll.remove(registration.fd);
    this.release(registration);
  }

  /** Forget a descriptor that is about to be closed. */
  release({ slot, use }: Registration): void {
    this.#handlers[slot] = undefined;
    this.#uses[slot] = (use + 1) | 0;
    this.#free.push(slot);
  }

  /**
   * Wait, and call the handlers of events that have come.
   * @param timeout milliseconds, -1 for ever
   */
  wait(timeout: number): void {
    const epoll = this.#epoll;
    const count = epoll.wait(timeout);
    for (let index = 0; index < count; index += 1) {
      const slot = epoll.slotAt(index);
      if (this.#uses[slot] === epoll.useAt(index)) {
        this.#handlers[slot]?.onEvents(epoll.eventsAt(index));
      }
    }
  }

  [Symbol.dispose](): void {
    this.#epoll[Symbol.dispose]();
  }
}
