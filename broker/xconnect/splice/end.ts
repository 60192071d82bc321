import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  closeFd,
} from "../../linux/epoll.ts";
import type { EventHandler, EventTable, Registration } from "./event-table.ts";

const READING = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;
const READABLE = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
const BEYOND = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/**
 * One of a session's two sockets, and what is known of its readiness.
 *
 * Edge-triggered: a change is told once, and what was told is remembered here until a call says
 * otherwise. So a peer that has gone, or one that is not read from for a while, does not keep
 * the thread busy. EPOLLOUT is asked for only while something waits for room: every read of
 * the peer's would be told.
 */
export class SpliceEnd implements EventHandler {
  readonly fd: number;
  readable: boolean;
  writable = true;
  /** A read that stops short does so before something else: EOF, or an out-of-band byte. */
  hasMore = false;
  /** The peer has closed, or shut down both ways: nobody takes bytes any more. */
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
   * From here on; what is ready already is told as well.
   * @throws SystemCallError
   */
  watch(): void {
    const events = this.#asksForRoom ? READING | EPOLLOUT : READING;
    this.#registration = this.#events.add(this.fd, events, this);
  }

  /** Nothing more can be written: have it told when that changes. */
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
