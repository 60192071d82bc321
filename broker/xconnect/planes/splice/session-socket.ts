import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  closeFd,
} from "../../../shared/linux/epoll.ts";
import type { EventHandler, EventTable, Registration } from "./event-table.ts";

const READING = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;
const READABLE = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
const BEYOND = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/**
 * One of a session's two sockets, with its readiness.
 *
 * epoll is edge-triggered: it reports a change once, and this class remembers it until a system
 * call shows otherwise. So a peer that has gone, or is not read from for a while, does not keep the
 * thread busy. EPOLLOUT is asked for only while bytes wait for room, since otherwise every read of
 * the peer would be reported.
 */
export class SessionSocket implements EventHandler {
  readonly fd: number;
  readable: boolean;
  writable = true;
  /** True when a short read may be followed by more: EOF, or bytes behind an out-of-band byte. */
  hasMore = false;
  /** True when the peer has closed or shut down both ways: it takes no bytes any more. */
  hungUp = false;
  readonly #events: EventTable;
  readonly #onReady: () => void;
  #registration: Registration | undefined;
  #asksForRoom = false;

  constructor(fd: number, readable: boolean, events: EventTable, onReady: () => void) {
    this.fd = fd;
    this.readable = readable;
    this.#events = events;
    this.#onReady = onReady;
  }

  /**
   * Watch from now on; present readiness is reported too.
   * @throws SystemCallError
   */
  watch(): void {
    const events = this.#asksForRoom ? READING | EPOLLOUT : READING;
    this.#registration = this.#events.add(this.fd, events, this);
  }

  /** Note that the socket is full, and ask for an event when it has room again. */
  block(): void {
    this.writable = false;
    if (this.#asksForRoom) return;
    this.#asksForRoom = true;
    if (this.#registration === undefined) return;
    this.#events.modify(this.#registration, READING | EPOLLOUT);
  }

  onEvents(events: number): void {
    this.hasMore = (events & BEYOND) !== 0;
    if ((events & READABLE) !== 0) this.readable = true;
    if ((events & EPOLLHUP) !== 0) this.hungUp = true;
    if ((events & EPOLLOUT) !== 0) {
      if (this.writable) this.#stopAsking();
      this.writable = true;
    }
    this.#onReady();
  }

  close(): void {
    if (this.#registration !== undefined) this.#events.release(this.#registration);
    this.#registration = undefined;
    closeFd(this.fd);
  }

  #stopAsking(): void {
    if (!this.#asksForRoom || this.#registration === undefined) return;
    this.#asksForRoom = false;
    this.#events.modify(this.#registration, READING);
  }
}
