import { acceptConnection } from "../linux/accept.ts";
import { EPOLLIN, closeFd } from "../linux/epoll.ts";
import { streamLoop } from "../linux/stream-loop.ts";
import type { SocketType } from "../linux/unix-stream.ts";

/** Milliseconds until accept is tried again when there are no descriptors left. */
const RETRY = 100;

/** Why a listener accepts nobody for the time being. */
export type PauseReason = "provider" | "limit";

/** What a link's socket is served by. */
export interface SocketListener {
  readonly kind: SocketType | "spliced";
  /** Accept nobody until every reason to pause has been taken back. */
  pause(reason: PauseReason): void;
  resume(reason: PauseReason): void;
  close(): void;
}

/**
 * A listening socket that can stop accepting without closing: those who connect meanwhile wait
 * in the kernel's backlog. One connection is accepted at each event, so that those under way get
 * their turn in between.
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
   * @param fd listening and non-blocking; owned by the listener from here on
   * @param onConnection owns the descriptor, which does not block
   * @param onError told once until a connection is accepted again
   * @throws SystemCallError ENOSPC, ENOMEM; the fd is closed then
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
    // It may have been paused by another event of the same batch.
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

  /** The kernel would tell of who waits for ever. */
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
