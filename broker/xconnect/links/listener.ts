import { acceptConnection } from "../../shared/linux/accept.ts";
import { EPOLLIN, closeFd } from "../../shared/linux/epoll.ts";
import { streamLoop } from "../../shared/linux/stream-loop.ts";
import type { SocketType } from "../../shared/linux/unix-stream.ts";

/** Milliseconds until accept is tried again when there are no descriptors left. */
const RETRY = 100;

/** Reasons for which a listener does not accept. */
export type PauseReason = "provider" | "limit";

/** The server of a link's planted socket. */
export interface SocketListener {
  readonly kind: SocketType | "spliced";
  /** Stop accepting until each reason to pause has been taken back. */
  pause(reason: PauseReason): void;
  resume(reason: PauseReason): void;
  close(): void;
}

/**
 * A listening socket that can stop accepting without closing; new connections then wait in the
 * kernel's backlog. It accepts one connection per event, so that open sessions get their turn in
 * between.
 */
export class Listener implements SocketListener {
  readonly kind: SocketType;
  readonly #fd: number;
  readonly #onConnection: (fd: number) => void;
  readonly #onError: (error: unknown) => void;
  readonly #token: number;
  readonly #paused = new Set<PauseReason | "error">();
  #isWatching = true;
  #isOpen = true;
  #retry: NodeJS.Timeout | undefined;
  #hasFailed = false;

  /**
   * @param fd listening and non-blocking; owned by the listener from now on
   * @param onConnection called with a non-blocking descriptor, which it owns
   * @param onError called once for a series of failures, until a connection is accepted again
   * @throws SystemCallError ENOSPC, ENOMEM; then the fd is closed
   */
  constructor(
    fd: number,
    kind: SocketType,
    onConnection: (fd: number) => void,
    onError: (error: unknown) => void,
  ) {
    this.#fd = fd;
    this.kind = kind;
    this.#onConnection = onConnection;
    this.#onError = onError;
    try {
      this.#token = streamLoop().add(fd, EPOLLIN, () => this.#accept());
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  pause(reason: PauseReason): void {
    this.#paused.add(reason);
    this.#update();
  }

  resume(reason: PauseReason): void {
    this.#paused.delete(reason);
    this.#update();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#retry);
    streamLoop().remove(this.#fd, this.#token);
    closeFd(this.#fd);
  }

  #update(): void {
    const shallWatch = this.#paused.size === 0;
    if (!this.#isOpen || shallWatch === this.#isWatching) return;
    this.#isWatching = shallWatch;
    streamLoop().modify(this.#fd, shallWatch ? EPOLLIN : 0, this.#token);
  }

  #accept(): void {
    // Another event of the same batch may have paused or closed it.
    if (!this.#isOpen || this.#paused.size > 0) return;
    let fd: number | undefined;
    try {
      fd = acceptConnection(this.#fd);
    } catch (error) {
      this.#retryLater(error);
      return;
    }
    if (fd === undefined) return;
    this.#hasFailed = false;
    this.#onConnection(fd);
  }

  /**
   * Pause and retry later: level-triggered epoll would report the waiting connection without end.
   */
  #retryLater(error: unknown): void {
    this.#paused.add("error");
    this.#update();
    this.#retry = setTimeout(() => {
      this.#paused.delete("error");
      this.#update();
    }, RETRY);
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#onError(error);
  }
}
