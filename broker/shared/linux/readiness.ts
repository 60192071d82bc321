import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from "./epoll.ts";
import { letPromisesRun, streamLoop } from "./stream-loop.ts";

/**
 * Readiness of raw file descriptors on Node's own event loop, edge-triggered (epoll(7)): after
 * a callback, read or write until EAGAIN, or no further one comes.
 */
export interface Readiness {
  readonly readable: boolean;
  readonly writable: boolean;
  /** True when the peer has closed: nothing can be delivered to it any more. */
  readonly hungUp: boolean;
}

const ALL_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

/**
 * Call `onReady` at each edge until disposed; dispose before the descriptor is closed.
 * @throws SystemCallError EPERM for what cannot be polled, ENOSPC
 */
export function watch(fd: number, onReady: (ready: Readiness) => void): Disposable {
  const loop = streamLoop();
  const token = loop.add(fd, ALL_EVENTS, (events) => {
    // The callback settles promises, which need Node's own loop.
    letPromisesRun();
    onReady(readinessOf(events));
  });
  return { [Symbol.dispose]: () => loop.remove(fd, token) };
}

function readinessOf(events: number): Readiness {
  const failed = (events & (EPOLLERR | EPOLLHUP)) !== 0;
  return {
    readable: failed || (events & (EPOLLIN | EPOLLRDHUP)) !== 0,
    writable: failed || (events & EPOLLOUT) !== 0,
    hungUp: (events & EPOLLHUP) !== 0,
  };
}
