import koffi from "koffi";
import { check, libc } from "./libc.ts";

/**
 * Readiness of raw file descriptors on Node's own event loop, edge-triggered (epoll(7)): after
 * a callback, read or write until EAGAIN, or no further one comes.
 *
 * All descriptors sit in one epoll instance; that instance alone is watched by libuv, through
 * koffi's uv_poll handle. docs/adr/0010 says why.
 */
export interface Readiness {
  readonly readable: boolean;
  readonly writable: boolean;
  /** The peer has closed: nothing can be delivered to it any more. */
  readonly hungUp: boolean;
}

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 0x1;
const EPOLLOUT = 0x4;
const EPOLLERR = 0x8;
const EPOLLHUP = 0x10;
const EPOLLRDHUP = 0x2000;
const EPOLLET = 0x8000_0000;
const EVERYTHING = (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;

/** struct epoll_event is packed on x86-64 only. */
const EVENT = process.arch === "x64" ? { size: 12, data: 4 } : { size: 16, data: 8 };
const BATCH = 64;

const createCall = libc.func("int epoll_create1(int)") as (flags: number) => number;
const controlCall = libc.func("int epoll_ctl(int, int, int, void *)") as (
  epoll: number,
  operation: number,
  fd: number,
  event: Buffer,
) => number;
const waitCall = libc.func("int epoll_wait(int, void *, int, int)") as (
  epoll: number,
  events: Buffer,
  count: number,
  timeout: number,
) => number;

class EventLoop {
  readonly #epoll = check(createCall(EPOLL_CLOEXEC), "epoll_create1");
  readonly #events = Buffer.allocUnsafeSlow(EVENT.size * BATCH);
  readonly #watchers = new Map<number, (ready: Readiness) => void>();
  /** Kept for ever: an unreferenced handle is closed by the garbage collector. */
  readonly #handle = koffi.node.poll(this.#epoll, { readable: true }, () => this.#dispatch());
  #lastToken = 0;

  constructor() {
    this.#handle.unref();
  }

  watch(fd: number, onReady: (ready: Readiness) => void): Disposable {
    // A token of its own for each: an event that is still in the batch when its descriptor is
    // closed must not reach another that got the same number.
    const token = (this.#lastToken = (this.#lastToken + 1) >>> 0);
    check(controlCall(this.#epoll, EPOLL_CTL_ADD, fd, eventOf(token)), "epoll_ctl");
    this.#watchers.set(token, onReady);
    if (this.#watchers.size === 1) this.#handle.ref();
    return {
      [Symbol.dispose]: () => {
        if (!this.#watchers.delete(token)) return;
        controlCall(this.#epoll, EPOLL_CTL_DEL, fd, eventOf(token));
        if (this.#watchers.size === 0) this.#handle.unref();
      },
    };
  }

  #dispatch(): void {
    const count = waitCall(this.#epoll, this.#events, BATCH, 0);
    const batch: { token: number; mask: number }[] = [];
    for (let at = 0; at < count * EVENT.size; at += EVENT.size) {
      const token = this.#events.readUInt32LE(at + EVENT.data);
      batch.push({ token, mask: this.#events.readUInt32LE(at) });
    }
    for (const { token, mask } of batch) {
      try {
        this.#watchers.get(token)?.(readinessOf(mask));
      } catch (error) {
        // The others' edges must not be lost with it.
        setImmediate(() => {
          throw error;
        });
      }
    }
  }
}

let loop: EventLoop | undefined;

/**
 * Call `onReady` at each edge until disposed; dispose before the descriptor is closed.
 * @throws SystemCallError EPERM for what cannot be polled, ENOSPC
 */
export function watch(fd: number, onReady: (ready: Readiness) => void): Disposable {
  loop ??= new EventLoop();
  return loop.watch(fd, onReady);
}

function eventOf(token: number): Buffer {
  const event = Buffer.alloc(EVENT.size);
  event.writeUInt32LE(EVERYTHING, 0);
  event.writeUInt32LE(token, EVENT.data);
  return event;
}

function readinessOf(mask: number): Readiness {
  const failed = (mask & (EPOLLERR | EPOLLHUP)) !== 0;
  return {
    readable: failed || (mask & (EPOLLIN | EPOLLRDHUP)) !== 0,
    writable: failed || (mask & EPOLLOUT) !== 0,
    hungUp: (mask & EPOLLHUP) !== 0,
  };
}
