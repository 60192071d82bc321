import type { GuestService } from "../../shared/formats/wasm-guest.ts";
import { ERROR } from "../../shared/protocols/dbus/message-header.ts";
import { GuestErrno, isTimeout } from "../guest-errno.ts";
import { BusConnection } from "./bus-connection.ts";
import type { BusMessage, Call } from "./bus-connection.ts";
import type { SignalQueue } from "./signal-queue.ts";

/**
 * The bus of one service: one connection, made with the first call and made anew with the next call
 * after it has ended. Its matches end with it.
 */
export class GuestBus {
  readonly #service: GuestService;
  readonly #queues = new Set<SignalQueue>();
  #connection: BusConnection | undefined;

  constructor(service: GuestService) {
    this.#service = service;
  }

  /** @throws GuestErrno */
  call(call: Call, deadline: number): BusMessage {
    return this.#use(deadline, (connection) => connection.call(call, deadline));
  }

  /** @throws GuestErrno EACCES when the policy of the link, or the bus, refuses it */
  addMatch(call: Call, queue: SignalQueue, deadline: number): void {
    if (this.call(call, deadline).header.type === ERROR) throw new GuestErrno("EACCES");
    this.#queues.add(queue);
  }

  /**
   * The next signal of a match.
   * @throws GuestErrno EAGAIN when none comes in time, ECONNRESET when its connection has ended
   */
  next(queue: SignalQueue, deadline: number): BusMessage {
    for (;;) {
      const signal = queue.take();
      if (signal !== undefined) return signal;
      if (!this.#queues.has(queue)) throw new GuestErrno("ECONNRESET");
      try {
        this.#use(deadline, (connection) => connection.awaitSignal(deadline));
      } catch (error) {
        throw isTimeout(error) ? new GuestErrno("EAGAIN") : error;
      }
    }
  }

  forget(queue: SignalQueue): void {
    this.#queues.delete(queue);
  }

  #use<T>(deadline: number, use: (connection: BusConnection) => T): T {
    this.#connection ??= BusConnection.open(this.#service, deadline, (message) => {
      for (const queue of this.#queues) queue.offer(message);
    });
    try {
      return use(this.#connection);
    } catch (error) {
      if (!isTimeout(error)) this.#end();
      throw error;
    }
  }

  #end(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#queues.clear();
  }
}
